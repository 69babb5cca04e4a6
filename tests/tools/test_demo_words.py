"""What the demo says when it does not come up: what is missing, and what to do."""

import pytest
from haidang_tools.demo.command import missing


@pytest.mark.parametrize(
    ("silent", "camera", "named", "unnamed"),
    [
        ({"n-2", "n-1"}, True, "heard of node n-1, node n-2. ", "camera"),
        (set(), False, "heard of the camera. ", "node"),
        ({"n-1"}, False, "heard of node n-1, the camera. ", "n-2"),
    ],
)
def test_a_demo_that_does_not_come_up_names_what_is_missing_and_what_to_do(
    silent: set[str], camera: bool, named: str, unnamed: str
) -> None:
    said = missing(silent, camera, "WARNING its last line")
    assert named in said
    assert unnamed not in said
    assert "close other programs and try again" in said
    assert said.endswith("\nWARNING its last line")
