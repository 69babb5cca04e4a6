"""Which nodes cannot get past the broker, or never did, as far as this gateway can know.

A broker names nobody whom it refuses: what a copy of the authority's index beside `ca.pem` says
of each node is the only honest word.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from haidang_gateway.errors import PkiError
from haidang_gateway.fleet.pki import Authority, Issued
from haidang_gateway.settings import Settings
from haidang_gateway.store import queries
from haidang_gateway.store.schema import FILE, reading

INDEX = "index"
_SOON = timedelta(days=30)
_REMEDY = "`haidang provision --renew` gives it a new one"


def troubles(settings: Settings, now_ms: int) -> Iterator[str]:
    """A sentence for each node whose certificate the broker refuses, or will within 30 days.

    Nothing without a copy of the index; nodes on a wire have no certificate.
    """
    try:
        issued = _issued(settings)
    except PkiError as error:
        yield str(error)
        return
    for name in _by_radio(settings) if issued is not None else ():
        if said := _trouble([one for one in issued or () if one.name == name], now_ms):
            yield f"{name}: {said}"


def unheard(settings: Settings) -> Iterator[str]:
    """A sentence for each node that was never heard here. StoreError without a database."""
    with reading(settings.data_dir / FILE) as connection:
        heard = queries.nodes(connection)
    for node in settings.nodes:
        if node.id not in heard:
            yield (
                f"{node.id} has never been heard here: look at its lamp and console, and whether "
                "its certificate is good (`haidang-gateway check`)"
            )


def _issued(settings: Settings) -> list[Issued] | None:
    folder: Path = settings.broker.ca.parent
    return Authority(folder).issued() if (folder / INDEX).is_file() else None


def _by_radio(settings: Settings) -> list[str]:
    wired = {name for line in settings.serial for name in line.nodes}
    return [node.id for node in settings.nodes if node.id not in wired]


def _trouble(issued: Sequence[Issued], now_ms: int) -> str:
    now = datetime.fromtimestamp(now_ms / 1000, UTC)
    if not issued:
        return "the authority's index names no certificate of it; `haidang provision` issues one"
    newest = max(issued, key=lambda one: (one.revoked is None, one.not_after))
    end = newest.not_after[:10]
    if newest.revoked is not None:
        return f"its certificate was revoked on {newest.revoked[:10]}, the broker refuses it"
    if not newest.in_force(now):
        return f"its certificate was valid until {end}, the broker refuses it; {_REMEDY}"
    if not newest.in_force(now + _SOON):
        return f"its certificate is valid until {end}; {_REMEDY}"
    return ""
