"""The official levels that are installed on this gateway, and what is wrong with them."""

from collections.abc import Mapping
from pathlib import Path
from zoneinfo import ZoneInfo

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from haidang_gateway.errors import LevelsError
from haidang_gateway.official_levels import Decision, editions, read_public_key, verified
from haidang_gateway.settings import Settings
from haidang_gateway.site import Edition

SUFFIX = ".levels"


def folder_of(settings: Settings) -> Path:
    """Where installed files lie."""
    return settings.data_dir / "levels"


def trusted_keys(settings: Settings) -> tuple[Ed25519PublicKey, ...]:
    """The keys of the offices whose levels count here; LevelsError names a bad one."""
    return tuple(read_public_key(path) for path in settings.level_keys)


def editions_by_source(
    settings: Settings,
) -> tuple[Mapping[str, tuple[Edition, ...]], tuple[str, ...]]:
    """The official levels of each node's gauge that has them, and one sentence per problem.

    A file that is not to be believed gives no levels: its gauges are judged by what else is known.
    """
    decisions, problems = _decisions(settings)
    zone = ZoneInfo(settings.timezone)
    found: dict[str, tuple[Edition, ...]] = {}
    for node in settings.nodes:
        if not node.gauge_station:
            continue
        levels = editions(decisions, node.gauge_station, node.gauge_zero_mm, zone)
        if levels:
            found[node.source] = levels
        else:
            problems.append(
                f"[[node]] {node.id}: no installed decision has levels of station "
                f"{node.gauge_station}; install one with `haidang-gateway levels install`"
            )
    return found, tuple(problems)


def _decisions(settings: Settings) -> tuple[list[Decision], list[str]]:
    decisions: list[Decision] = []
    problems: list[str] = []
    try:
        keys = trusted_keys(settings)
    except LevelsError as error:
        return [], [f"[levels] {error}"]
    for path in sorted(folder_of(settings).glob(f"*{SUFFIX}")):
        try:
            decisions.append(verified(path.read_bytes(), keys))
        except OSError as error:
            problems.append(f"{path}: cannot be read: {error.strerror}")
        except LevelsError as error:
            problems.append(f"{path}: {error}")
    return decisions, problems
