"""All that a node is told goes the way that it came: by wire or by the broker."""

from typing import Self

import pytest
from haidang_gateway.ingest.serial_link import Links
from node_packs import EPOCH, NODE


class _Told:
    """One way to a node, noting what it is given."""

    def __init__(self) -> None:
        self.given: list[str] = []

    def line_of(self, node: str) -> Self | None:
        return self if node == NODE else None

    def publish_ack(self, *_: object) -> None:
        self.given.append("ack")

    def publish_heard(self, *_: object) -> None:
        self.given.append("heard")

    def publish_command(self, *_: object) -> bool:
        self.given.append("command")
        return True

    @property
    def nodes(self) -> set[str]:
        return {NODE}


@pytest.mark.parametrize("node", [NODE, "n-240ac4000002"])
def test_all_that_a_node_is_told_goes_the_way_that_it_came(node: str) -> None:
    wire, broker = _Told(), _Told()
    links = Links(broker, wire)  # type: ignore[arg-type]
    links.publish_ack((node, EPOCH, 7), [[1, 4]], "data")
    links.publish_heard(node, 5)
    assert links.publish_command(node, b"{}")
    told, silent = (wire, broker) if node == NODE else (broker, wire)
    assert told.given == ["ack", "heard", "command"]
    assert silent.given == []
