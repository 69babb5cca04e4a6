"""The model of phones: what leaves their radios is a probe request, and crowds differ."""

import pytest
from haidang_board.physics_phones import Crowd, Heard, random_habits


def heard(seed: int, phones: int = 40, until_s: float = 300.0) -> tuple[Crowd, list[Heard]]:
    crowd = Crowd(seed, random_habits(seed))
    for _ in range(phones):
        crowd.enter(0.0)
    return crowd, list(crowd.until(until_s, lambda now_s: 6))


def elements(frame: bytes) -> list[tuple[int, bytes]]:
    found = []
    at = 24
    while at < len(frame):
        size = frame[at + 1]
        found.append((frame[at], frame[at + 2 : at + 2 + size]))
        at += 2 + size
    assert at == len(frame)
    return found


def test_frames_are_whole_probe_requests() -> None:
    _, frames = heard(1)
    assert len(frames) > 200
    for frame in frames:
        assert frame.data[0] == 0x40
        assert not frame.data[10] & 1
        assert elements(frame.data)[0][0] == 0
        assert abs(frame.channel - 6) <= 1
        assert -92 <= frame.rssi_dbm <= -20


def test_one_seed_gives_one_crowd_and_another_seed_another() -> None:
    assert heard(5)[1] == heard(5)[1]
    assert heard(5)[1] != heard(6)[1]


def test_hidden_phones_change_their_address_and_the_others_do_not() -> None:
    crowd, _ = heard(2)
    hiding = [p for p in crowd.phones if p.model.hides and p.model.keeps_s == 0]
    showing = [p for p in crowd.phones if not p.model.hides and p.addresses]
    assert hiding
    assert showing
    assert max(len(p.addresses) for p in hiding) > 3
    for phone in hiding:
        assert len(set(phone.addresses)) == len(phone.addresses)
        assert all(address[0] & 3 == 2 for address in phone.addresses)
    assert all(phone.addresses == [phone.own] for phone in showing)
    assert all(not phone.own[0] & 3 for phone in showing)


@pytest.mark.parametrize("goes_on", [True, False])
def test_sequence_numbers_go_on_or_are_drawn_anew(goes_on: bool) -> None:
    habits = random_habits(3)
    model = next(m for m in habits.models if m.hides and not m.keeps_s and m.goes_on == goes_on)
    habits.models, habits.shares = [model], [1.0]
    crowd = Crowd(9, habits)
    crowd.enter(0.0).mean_dbm = -50.0
    steps = []
    before: Heard | None = None
    for frame in crowd.until(3600.0, lambda now_s: 6):
        if before and frame.data[10:16] != before.data[10:16]:
            steps.append((_sequence(frame) - _sequence(before)) % 4096)
        before = frame
    assert len(steps) > 20
    near = sum(step < 64 for step in steps) / len(steps)
    assert near > 0.9 if goes_on else near < 0.2


def _sequence(frame: Heard) -> int:
    return int.from_bytes(frame.data[22:24], "little") >> 4


def test_passers_by_are_gone_when_their_time_is_over() -> None:
    crowd = Crowd(4, random_habits(4))
    for number in range(30):
        crowd.enter(float(number), stays_s=20.0)
    crowd.enter(0.0)
    frames = list(crowd.until(2000.0, lambda now_s: 6))
    assert len(crowd.phones) == 1
    mine = set(crowd.phones[0].addresses)
    assert {f.data[10:16] for f in frames if f.at_s > 55 and not f.data[10] & 2} <= mine


def test_crowds_differ_in_what_a_counter_cannot_know() -> None:
    habits = [random_habits(seed) for seed in range(30)]
    hiding = [sum(m.hides for m in h.models) / len(h.models) for h in habits]
    assert max(hiding) - min(hiding) > 0.3
    means = [sum(m.asleep_s for m in h.models) / len(h.models) for h in habits]
    assert max(means) / min(means) > 2
