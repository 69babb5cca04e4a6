"""What a camera has learnt, in two small files: the usual view and the usual scores."""

import json
import logging
from pathlib import Path
from typing import Any

from haidang_gateway.vision.reference import KeptReference

log = logging.getLogger(__name__)


class Memory:
    """The files of one camera. Where the view's file is deleted, both are learnt anew."""

    def __init__(self, view_file: Path | None) -> None:
        """Read what there is; None keeps nothing."""
        self.reference = KeptReference(view_file)
        self._scores = None if view_file is None else view_file.with_suffix(".scores")

    def scores(self) -> dict[str, Any]:
        """The usual scores as they were kept; empty where there are none."""
        if self._scores is None:
            return {}
        try:
            kept = json.loads(self._scores.read_text(encoding="ascii"))
        except (OSError, ValueError):
            return {}
        return kept if isinstance(kept, dict) else {}

    def save(self, scores: dict[str, Any]) -> bool:
        """Write both; False where the view is to be learnt anew. A bad disk is only logged."""
        before = self.reference.view
        try:
            self.reference.save()
            if self.reference.view is not before:
                if self._scores is not None:
                    self._scores.unlink(missing_ok=True)
                return False
            if self._scores is not None and self._scores.parent.is_dir():
                part = self._scores.with_suffix(".part2")
                part.write_text(json.dumps(scores), encoding="ascii")
                part.replace(self._scores)
        except OSError as error:
            log.warning("%s cannot be written (%s)", self._scores, error.strerror)
        return True
