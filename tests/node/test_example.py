"""The example configuration and its page agree with the node's own check."""

import json
from pathlib import Path

from haidang_node import config


def test_the_example_is_accepted_by_the_node_itself(root: Path) -> None:
    document = json.loads((root / "firmware" / "node.example.json").read_text("utf-8"))
    checked = config.check(document)
    assert checked["sensors"]["smoke"]["alarm_permille"] == 660
    assert checked["watchdog_ms"] == 8000


def test_every_field_and_its_default_stands_on_the_page(root: Path) -> None:
    page = (root / "docs" / "node.md").read_text("utf-8")
    document = json.loads((root / "firmware" / "node.example.json").read_text("utf-8"))
    document["sensors"] = {"smoke": {}, "flood": {}, "footfall": {}}
    for kind, fields in config.check(document)["sensors"].items():
        row = next(line for line in page.splitlines() if line.startswith(f"| `sensors.{kind}`"))
        for name, default in fields.items():
            shown = str(default).lower() if isinstance(default, bool) else default
            assert f"`{name}` {shown}" in row
