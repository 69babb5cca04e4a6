"""The two models as the observer wants them: file, checksum, input and output put together."""

import logging
from pathlib import Path

from haidang_gateway.vision.interpreter import Model
from haidang_gateway.vision.manifest import FIRE, Manifest, load_model, notices, read_manifest
from haidang_gateway.vision.picture import (
    CrowdCount,
    FireScores,
    Shown,
    count_people,
)
from haidang_gateway.vision.second_look import look_for_fire

log = logging.getLogger(__name__)


class ShippedNetworks:
    """The models of one folder, loaded; not thread-safe."""

    def __init__(self, manifest: Manifest, fire: Model, crowd: Model) -> None:
        """Take loaded models; `load_networks()` makes one."""
        self._manifest = manifest
        self._fire = fire
        self._crowd = crowd

    @property
    def fire_threshold(self) -> float:
        """Chosen on validation, for one picture."""
        return self._manifest.fire.fire_threshold

    @property
    def smoke_threshold(self) -> float:
        """Chosen on validation, for one picture."""
        return self._manifest.fire.smoke_threshold

    def fire(self, picture: Shown) -> FireScores:
        """Scores for flames and smoke in one picture of any size."""
        entry = self._manifest.fire
        return look_for_fire(picture, self._fire.run, entry.width, entry.height, entry.second_look)

    def crowd(self, picture: Shown, person_px: float | None) -> CrowdCount:
        """People in one picture of any size; `person_px` is a person's height in it."""
        return count_people(picture, person_px, self._crowd.run, self._manifest.crowd.spec)


def load_networks(
    models_dir: Path, *, fire: str = FIRE, threads: int = 1, edge_tpu: str | None = None
) -> ShippedNetworks:
    """Read the manifest and load both models; ModelError where one is missing or altered.

    `fire` is the manifest's table of the fire model.
    """
    manifest = read_manifest(models_dir, fire)
    flames, crowd = (
        load_model(entry, threads=threads, edge_tpu=edge_tpu)
        for entry in (manifest.fire, manifest.crowd)
    )
    for notice in notices(manifest):
        log.warning("%s", notice)
    return ShippedNetworks(manifest, flames, crowd)
