# heap: 1M
"""Nodes on one serial bus that start anew, are busy, gone, absent or slow; a master anew."""

from haidang_wire.serial_lanes import ALARM, COMMAND, DATA, ORDINARY, URGENT, WINDOW
from haidang_wire.serial_master import SESSION_BEGUN, SESSION_LOST, Bus
from serial_kit import FIRST, KEYS, SECOND, Line, Node, frames_of, one


def test_a_node_that_starts_anew_is_found_again_within_two_seconds() -> None:
    line = one()
    line.turns(3)
    line.nodes[0] = Node(FIRST, boot=2)
    line.until(line.now_ms + 2000)
    kinds = [kind for kind, _ in line.messages(FIRST)]
    assert kinds == [SESSION_BEGUN, SESSION_LOST, SESSION_BEGUN]
    assert line.peers[FIRST].hb == 2


def test_a_node_that_is_busy_for_a_moment_keeps_its_session_and_is_heard_soon_after() -> None:
    for baud, moments_ms in ((9600, (400, 700)), (115200, (70, 150, 400, 700))):
        for busy_ms in moments_ms:
            free_ms = [0]
            line = Line([Node(FIRST), Node(SECOND)], baud=baud)
            line.spoil = lambda data, up, line=line, free=free_ms: (
                b"" if up and line.answering == FIRST and line.now_ms < free[0] else data
            )
            line.turns(40)
            free_ms[0] = line.now_ms + busy_ms
            line.nodes[0].session.send(ALARM, b"fire", URGENT)
            while (ALARM, b"fire") not in line.messages(FIRST):
                line.turn()
                assert line.now_ms < free_ms[0] + 700, (baud, busy_ms)
            assert line.nodes[0].sessions == 1, (baud, busy_ms)
            assert SESSION_LOST not in [kind for kind, _ in line.messages(FIRST)]
            assert line.peers[FIRST].lost > 0, "the test's node was not busy"


def test_a_node_that_is_gone_is_missed_within_two_seconds_and_costs_the_others_little() -> None:
    for baud, most_ms in ((115200, 250), (9600, 800)):
        line = Line([Node(FIRST), Node(SECOND)], baud=baud)
        line.turns(40)
        line.nodes.pop(0)
        began_ms = line.now_ms
        while (SESSION_LOST, b"") not in line.messages(FIRST):
            before_ms = line.now_ms
            line.turn()
            assert line.now_ms - before_ms < most_ms, baud
        assert 1000 <= line.now_ms - began_ms < 2500, (baud, line.now_ms - began_ms)


def test_a_master_that_starts_anew_goes_on_with_a_new_session() -> None:
    line = one()
    line.turns(3)
    line.nodes[0].session.send(ALARM, b"before", URGENT)
    line.restart({FIRST: KEYS[FIRST]})
    line.turns(2)
    line.nodes[0].session.send(ALARM, b"after", URGENT)
    line.turns(2)
    assert line.nodes[0].sessions == 2
    assert (ALARM, b"after") in line.messages(FIRST)


def test_two_nodes_on_one_bus_answer_for_themselves_alone() -> None:
    line = Line([Node(FIRST), Node(SECOND)], echo=True)
    line.turns(6)
    for node in line.nodes:
        node.session.send(ALARM, node.node.encode(), URGENT)
        line.peers[node.node].send(COMMAND, node.node.encode(), URGENT)
    line.turns(8)
    for node in line.nodes:
        assert (ALARM, node.node.encode()) in line.messages(node.node)
        assert node.received == [(COMMAND, node.node.encode())]
        assert node.session.foreign > 0
    assert line.bus.strange > 0, "its own echo"
    assert line.bus.damaged == 0


def test_an_absent_node_hardly_slows_the_others() -> None:
    line = Line([Node(SECOND)])
    line.turns(10)
    began_ms = line.now_ms
    asked = line.peers[FIRST].lost
    while line.now_ms < began_ms + 60000:
        line.turn()
    assert line.peers[FIRST].lost - asked <= 12
    waits_ms = []
    while line.now_ms < began_ms + 120000:
        before_ms = line.now_ms
        line.turn()
        waits_ms.append(line.now_ms - before_ms)
    assert max(waits_ms) < 250, "an alarm of the present node waits no longer for the absent one"
    line.nodes.append(Node(FIRST))
    while line.now_ms < began_ms + 150000:
        line.turn()
    assert line.peers[FIRST].open, "found again within 30 s"


def test_a_node_hears_its_own_echo_and_leaves_it() -> None:
    node = Node(FIRST)
    line = Line([node], {FIRST: KEYS[FIRST]})
    line.turns(2)
    node.session.send(DATA, b"x" * 500, ORDINARY)
    frame = line.bus.step(line.now_ms + 1000)
    answer = node.hear(frame)
    foreign = node.session.foreign
    assert node.hear(answer) == b""
    assert node.session.foreign == foreign + 3


def test_the_time_to_wait_follows_the_line_s_own_slowness() -> None:
    for baud, latency_ms in ((115200, 2), (9600, 2), (9600, 400)):
        line = Line([Node(FIRST)], {FIRST: KEYS[FIRST]}, baud=baud, latency_ms=latency_ms)
        line.turns(60)
        peer = line.peers[FIRST]
        assert peer.lost == 0, (baud, latency_ms)
        assert latency_ms <= peer.latency_ms <= latency_ms + 60, (baud, peer.latency_ms)


def test_a_slow_line_takes_turns_often_and_a_far_one_carries_more() -> None:
    grants = {}
    for baud, latency_ms in ((115200, 2), (9600, 2), (9600, 400)):
        node = Node(FIRST)
        line = Line([node], {FIRST: KEYS[FIRST]}, baud=baud, latency_ms=latency_ms)
        line.turns(20)
        node.session.send(DATA, bytes(2000), ORDINARY)
        frame = line.bus.step(line.now_ms + 10000)
        grants[baud, latency_ms] = len(frames_of(node.hear(frame)))
    assert grants == {(115200, 2): WINDOW, (9600, 2): 1, (9600, 400): 3}


def test_a_bus_without_nodes_says_nothing() -> None:
    bus = Bus([], 9600)
    assert bus.step(0) == b""
    assert bus.wait_ms(0) > 0
    assert bus.receive(b"\0noise\0", 1) == []
