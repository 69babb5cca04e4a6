"""COBS frames: known codes, any pieces, and finding the way again after garbage."""

from haidang_wire.frames import BODY_BYTES, FRAME_BYTES, Deframer, unwrap, wrap


def test_known_codes() -> None:
    # The examples of Cheshire and Baker's paper, as Wikipedia's table lists them.
    for body, code in (
        ("00", "0101"),
        ("0000", "010101"),
        ("001100", "01021101"),
        ("11220033", "0311220233"),
        ("11223344", "0511223344"),
        ("11000000", "0211010101"),
        ("", "01"),
    ):
        framed = wrap(bytes.fromhex(body))
        assert framed == b"\0" + bytes.fromhex(code) + b"\0", body
        assert unwrap(framed[1:-1]) == bytes.fromhex(body)


def test_the_longest_body_fills_a_frame_and_a_longer_one_is_refused() -> None:
    for filler in (b"\0", b"\xff", b"\0\x01"):
        body = (filler * BODY_BYTES)[:BODY_BYTES]
        framed = wrap(body)
        assert len(framed) == FRAME_BYTES
        assert framed[1:-1].find(b"\0") < 0
        assert Deframer().feed(framed) == [body]
    try:
        wrap(bytes(BODY_BYTES + 1))
    except ValueError:
        return
    raise AssertionError("a body too long was taken")


def test_bytes_may_come_in_any_pieces() -> None:
    stream = wrap(b"first\0frame") + wrap(b"") + wrap(b"\0\0") + wrap(b"x" * BODY_BYTES)
    wanted = [b"first\0frame", b"", b"\0\0", b"x" * BODY_BYTES]
    for size in (1, 2, 3, 7, 100, len(stream)):
        deframer = Deframer()
        bodies = []
        for at in range(0, len(stream), size):
            bodies += deframer.feed(stream[at : at + size])
        assert bodies == wanted, size
        assert (deframer.good, deframer.bad, deframer.overlong) == (4, 0, 0)


def test_only_the_first_bytes_of_a_buffer_count() -> None:
    deframer = Deframer()
    buffer = bytearray(wrap(b"one") + wrap(b"two"))
    assert deframer.feed(buffer, 5) == []
    assert deframer.feed(buffer[5:], 1) == [b"one"]


def test_garbage_of_any_length_costs_no_later_frame() -> None:
    deframer = Deframer()
    for garbage in (b"\x05ab", b"\xff" * 100, b"\x01" * 500, b"\x80" * 238, b"\x02"):
        assert b"good" in [bytes(body) for body in deframer.feed(garbage + wrap(b"good"))]
    assert deframer.bad >= 3
    assert deframer.overlong == 1


def test_a_frame_cut_short_is_dropped_and_the_next_one_comes_through() -> None:
    deframer = Deframer()
    for cut in range(2, 9):
        bodies = deframer.feed(wrap(b"a\0bc\0def")[:cut] + wrap(b"next"))
        assert bodies[-1] == b"next"
