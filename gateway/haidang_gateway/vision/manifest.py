"""Reads models/manifest.toml: which model files there are and how they want to be used."""

import tomllib
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

from haidang_gateway.errors import ModelError
from haidang_gateway.vision.interpreter import Model
from haidang_gateway.vision.picture import CrowdSpec
from haidang_gateway.vision.second_look import SecondLook

_LEAST_SIZE = 0.25  # a fire would be too small to be seen in less of the input
_SCORE = (0.0, 1.0)
_POSITIVE = (0.0, inf)
_ONE_LOOK = ", or take both lines of the second look out"

FIRE = "fire"
"""Table of the fire model that is taken where nothing else is configured."""


@dataclass(frozen=True, slots=True)
class FireModel:
    """The fire and smoke model: file, input size, thresholds, which pictures are seen twice.

    `second_look` None: none is. `variant` is "research" where its pictures forbid more, and
    `licence` says which they are.
    """

    path: Path
    sha256: str
    width: int
    height: int
    fire_threshold: float
    smoke_threshold: float
    second_look: SecondLook | None = None
    variant: str = ""
    licence: str = ""


@dataclass(frozen=True, slots=True)
class CrowdModel:
    """The crowd model: file and how its pictures and counts are to be treated.

    `variant` is "research" where its pictures forbid more, and `licence` says why; "" is free.
    """

    path: Path
    sha256: str
    spec: CrowdSpec
    variant: str = ""
    licence: str = ""


@dataclass(frozen=True, slots=True)
class Manifest:
    """All shipped models."""

    fire: FireModel
    crowd: CrowdModel


def read_manifest(folder: Path, fire: str = FIRE) -> Manifest:
    """Read `manifest.toml` of a models folder; ModelError names what is missing or wrong.

    `fire` is the table of the fire model to take: there is more than one.
    """
    path = folder / "manifest.toml"
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(
            f"{path}: cannot be read ({error}); set [models] dir to the release's models folder"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ModelError(f"{path}: not valid TOML ({error}); copy it again") from error
    if fire not in raw:
        raise ModelError(
            f"{path}: there is no fire model [{fire}]; set `fire` in [models] to one of "
            f"{', '.join(name for name in raw if name.startswith(FIRE))}, or take it out"
        )
    try:
        return Manifest(fire=_fire(folder, raw[fire]), crowd=_crowd(folder, raw["crowd"]))
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ModelError(f"{path}: field {error} is missing or wrong; copy it again") from error


def notices(manifest: Manifest) -> tuple[str, ...]:
    """One sentence for each model that may not be used for everything, with the remedy."""
    told = []
    if manifest.fire.variant == "research":
        told.append(
            f"fires are looked for by {manifest.fire.path.name}, a research variant: "
            f"{manifest.fire.licence}; it is for research and trials, take `fire` out of [models] "
            "for the free one (models/cards/fire.md)"
        )
    if manifest.crowd.variant == "research":
        told.append(
            f"people are counted by {manifest.crowd.path.name}, a research variant: "
            f"{manifest.crowd.licence}; it is for research and trials, before any other use train "
            "it on pictures of your own cameras (models/cards/crowd.md)"
        )
    return tuple(told)


def load_model(
    entry: FireModel | CrowdModel, *, threads: int = 1, edge_tpu: str | None = None
) -> Model:
    """Load a model of the manifest; ModelError if its file does not fit the entry."""
    model = Model(entry.path, entry.sha256, threads=threads, edge_tpu=edge_tpu)
    model.load()
    size = entry if isinstance(entry, FireModel) else entry.spec
    if model.input_shape != (size.height, size.width, 3):
        raise ModelError(
            f"model {entry.path}: wants {model.input_shape}, the manifest says "
            f"{size.height} x {size.width}; copy both again from the release"
        )
    return model


def _fire(folder: Path, raw: dict[str, Any]) -> FireModel:
    path = folder / "manifest.toml"
    return FireModel(
        path=folder / str(raw["file"]),
        sha256=str(raw["sha256"]),
        width=int(raw["width"]),
        height=int(raw["height"]),
        fire_threshold=_between(path, raw, "fire_threshold", _SCORE),
        smoke_threshold=_between(path, raw, "smoke_threshold", _SCORE),
        second_look=_second_look(path, raw),
        variant=str(raw.get("variant", "")),
        licence=str(raw.get("licence", "")),
    )


def _second_look(path: Path, raw: dict[str, Any]) -> SecondLook | None:
    """Return when to look twice; ModelError for half of it, or what no picture could mean."""
    if not {"second_look_from", "second_look_size"} & raw.keys():
        return None
    lowest = min(float(raw["fire_threshold"]), float(raw["smoke_threshold"]))
    return SecondLook(
        from_score=_between(path, raw, "second_look_from", (0.0, lowest), _ONE_LOOK),
        size=_between(path, raw, "second_look_size", (_LEAST_SIZE, 1.0), _ONE_LOOK),
    )


def _between(
    path: Path, raw: dict[str, Any], name: str, limits: tuple[float, float], instead: str = ""
) -> float:
    """Return a number; ModelError where with it the models would look and never tell."""
    least, most = limits
    if name in raw and least < float(raw[name]) < most:
        return float(raw[name])
    raise ModelError(
        f"{path}: {raw['file']}: {name} is {raw.get(name, 'missing')}, it must be between "
        f"{least} and {most}; copy it again{instead}"
    )


def _crowd(folder: Path, raw: dict[str, Any]) -> CrowdModel:
    path = folder / "manifest.toml"
    sparse_below = float(raw["sparse_below"])
    return CrowdModel(
        path=folder / str(raw["file"]),
        sha256=str(raw["sha256"]),
        variant=str(raw.get("variant", "")),
        licence=str(raw.get("licence", "")),
        spec=CrowdSpec(
            width=int(raw["width"]),
            height=int(raw["height"]),
            person_px=_between(path, raw, "person_px", _POSITIVE),
            error_share=_between(path, raw, "error_share", _POSITIVE),
            error_floor=_between(path, raw, "error_floor", _POSITIVE),
            closer_look_at=_rising(path, raw, "closer_look_at"),
            farther_look_below=_between(path, raw, "farther_look_below", _POSITIVE),
            peak_least=_between(path, raw, "peak_least", (0.0, 1.0)),
            sparse_below=sparse_below,
            dense_from=_between(path, raw, "dense_from", (sparse_below, inf)),
        ),
    )


def _rising(path: Path, raw: dict[str, Any], name: str) -> tuple[float, ...]:
    """Return a list of numbers above 0, each above the one before; else a ModelError."""
    listed = raw[name]
    if isinstance(listed, list):
        numbers = tuple(float(number) for number in listed)
        steps = zip((0.0, *numbers), (*numbers, inf), strict=True)
        if all(below < above for below, above in steps):
            return numbers
    raise ModelError(
        f"{path}: {raw['file']}: {name} is {listed}, it must be a list of numbers above 0 that "
        "rise; copy it again"
    )
