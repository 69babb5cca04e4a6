"""The node's own part in its rounds: memory that is short for a moment is no reason to restart."""

import sys

from haidang_node import loading, log

log.start(log.ERROR + 1, lambda: 0)


class _Chip:
    """The chip's names that the node's module looks up when it is loaded."""

    def Storage(self):
        return {}

    def free_bytes(self):
        return 1000, 1000


class _Node:
    short_rounds = 0
    _round_ms = 15000
    now_ms = 0
    online = True

    def __init__(self):
        self.clock = self.link = self.status = self
        self.reached = False
        self.told = {}

    def uptime_ms(self):
        return self.now_ms


def _step():
    chip = "haidang_node.hal.esp32"
    before = sys.modules.get(chip)
    sys.modules[chip] = _Chip()
    try:
        from haidang_node.node import Node
    finally:
        loading.forget("haidang_node.node", chip)
        if before is not None:
            sys.modules[chip] = before
    _Node.short_limit = Node.short_limit
    return Node._step


def test_a_node_whose_flash_has_lost_the_rounds_watches_on() -> None:
    def lost(*args):
        raise ImportError("no module named 'haidang_node.rounds'")

    step, node = _step(), _Node()
    node.now_ms = node._round_ms
    real = loading.call
    loading.call = lost
    try:
        assert step(node) is None
    finally:
        loading.call = real
    assert node._round_ms == 15000 + 3600000


def test_memory_for_no_round_that_a_restart_has_not_mended_leaves_the_sensors_time() -> None:
    def full(*args):
        raise MemoryError

    step, node, why = _step(), _Node(), None
    node.told["why"] = "memory: none for a round"
    real = loading.call
    loading.call = full
    try:
        while why is None:
            node.now_ms = node._round_ms
            why = step(node)
    finally:
        loading.call = real
    assert node.now_ms > 3500000, "a smoke sensor would never get warm"


def test_a_restart_that_mended_memory_for_a_day_is_one_that_helps() -> None:
    _step()
    node = _Node()
    node.told["why"] = "memory: none for a round"
    for hours, limit in ((0, 60), (23, 60), (25, 3), (10000, 3)):
        node.now_ms = hours * 3600000
        assert node.short_limit == limit, hours


def test_memory_that_is_gone_for_one_round_restarts_nothing_for_three_it_does() -> None:
    def full(*args):
        raise MemoryError

    def plenty(path, function, node, *args):
        if function == "look":
            return None
        node.short_rounds = 0
        return node.now_ms + 60000, None

    step, node, asked = _step(), _Node(), []
    real = loading.call
    try:
        for call in (full, full, plenty, full, full, full):
            node.now_ms = node._round_ms
            loading.call = call
            asked.append(step(node))
    finally:
        loading.call = real
    assert asked[:5] == [None] * 5
    assert asked[5] == "memory: none for a round"
