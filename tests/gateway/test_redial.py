"""When a lost line is dialled again: soon after short outages, no herd, refusals slowly."""

import random
import ssl

import pytest
from haidang_gateway import redial
from haidang_gateway.errors import (
    BrokerError,
    BrokerRefused,
    CameraError,
    CameraRefused,
    UplinkError,
    UplinkRefused,
)
from haidang_gateway.redial import Pace, Redial
from haidang_wire.errors import Refused
from hypothesis import given
from hypothesis import strategies as st

_PACES = (redial.DESTINATION, redial.OWN_BROKER, redial.SERIAL_PORT, redial.CAMERA)
_paces = st.sampled_from(_PACES)
_outages_s = st.floats(0, 1e9)
_lucks = st.floats(0, 1, exclude_max=True)
_REFUSED = UplinkRefused("not authorised")
_SECOND_MS = 1000


@given(_paces, _outages_s, _lucks)
def test_a_pause_is_a_thirtieth_of_the_outage_between_the_first_and_the_longest(
    pace: Pace, down_s: float, luck: float
) -> None:
    took_s = redial.pause_s(pace, down_s, luck)
    assert pace.first_s / 2 <= took_s <= pace.cap_s
    assert took_s <= max(pace.first_s, down_s / 30)


@given(_paces, _outages_s, _outages_s, _lucks)
def test_a_longer_outage_is_never_dialled_more_often(
    pace: Pace, one_s: float, other_s: float, luck: float
) -> None:
    shorter_s, longer_s = sorted((one_s, other_s))
    assert redial.pause_s(pace, shorter_s, luck) <= redial.pause_s(pace, longer_s, luck)


@given(_paces, _outages_s, _lucks)
def test_a_refusal_is_slow_from_the_start_and_stays_so(
    pace: Pace, down_s: float, luck: float
) -> None:
    took_s = redial.pause_s(pace, down_s, luck, may_pass=False)
    assert took_s == redial.pause_s(pace, 0, luck, may_pass=False)
    assert pace.refused_s / 2 <= took_s <= pace.refused_s


def test_alarms_wait_a_second_after_half_a_minute_and_five_after_a_day() -> None:
    assert redial.pause_s(redial.DESTINATION, 30, 0.999) < 1
    assert redial.pause_s(redial.DESTINATION, 86_400, 0.999) < 5
    assert redial.pause_s(redial.DESTINATION, 0, 0.0, may_pass=False) == 15


@given(_paces, st.lists(st.tuples(st.integers(0, 4_999), _lucks), max_size=60))
def test_a_line_that_never_lasts_is_dialled_ever_more_slowly(
    pace: Pace, lives: list[tuple[int, float]]
) -> None:
    lucks = iter([0.0, *(luck for _, luck in lives)])
    line, now_ms = Redial(pace, luck=lambda: next(lucks)), 0
    line.pause_s(now_ms)
    for up_ms, luck in lives:
        line.up(now_ms)
        now_ms += up_ms
        took_s = line.pause_s(now_ms, _REFUSED)
        assert took_s == redial.pause_s(pace, now_ms / 1000, luck)
        now_ms += round(took_s * 1000)


@given(_paces, st.integers(0, 10**9), st.integers(5_000, 10**9))
def test_a_line_that_has_lasted_is_dialled_as_if_it_had_never_been_lost(
    pace: Pace, before_ms: int, lasted_ms: int
) -> None:
    line = Redial(pace, luck=lambda: 0.0)
    line.pause_s(0)
    line.pause_s(before_ms)
    line.up(before_ms)
    assert line.pause_s(before_ms + lasted_ms) == pace.first_s / 2


def test_a_line_that_stands_may_say_so_again_and_again() -> None:
    line = Redial(redial.CAMERA, luck=lambda: 0.0)
    line.pause_s(0)
    for now_ms in range(1000, 400_000, 1000):
        line.up(now_ms)
    assert line.pause_s(400_000) == 0.5


def test_dials_that_take_long_do_not_count_as_a_line_that_lasts() -> None:
    line = Redial(redial.DESTINATION, luck=lambda: 0.0)
    silence = UplinkError("no answer in 10 s")
    took_s = [line.pause_s(dial * 20 * _SECOND_MS, silence) for dial in range(12)]
    assert took_s[0] == 0.5
    assert took_s[-1] == 2.5
    assert took_s == sorted(took_s)


def test_only_a_line_that_did_not_stand_counts_as_refused() -> None:
    line = Redial(redial.DESTINATION, luck=lambda: 0.0)
    assert line.pause_s(0, _REFUSED) == 15
    line.up(1000)
    assert line.pause_s(2000, _REFUSED) == 0.5
    assert line.pause_s(3000, _REFUSED) == 15


def test_gateways_that_lost_their_centre_together_come_back_spread_over_the_pause() -> None:
    chance, gateways, away_ms = random.Random(7), 2_000, 10_000
    dials_ms: list[int] = []
    for _ in range(gateways):
        line, now_ms = Redial(redial.DESTINATION, chance.random), 0
        while now_ms < away_ms:
            now_ms += round(1000 * line.pause_s(now_ms))
        dials_ms.append(now_ms - away_ms)
    of_tenths = [sum(dial // 100 == tenth for dial in dials_ms) for tenth in range(10)]
    assert sum(of_tenths) == gateways
    assert max(of_tenths) < gateways / 5


def _told(kind: type[ssl.SSLError], reason: str) -> ssl.SSLError:
    error = kind(1, reason)
    error.reason = reason
    return error


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (OSError("no route"), True),
        (TimeoutError(), True),
        (_told(ssl.SSLEOFError, "UNEXPECTED_EOF_WHILE_READING"), True),
        (ssl.SSLWantReadError(), True),
        (_told(ssl.SSLError, "TLSV1_ALERT_INTERNAL_ERROR"), True),
        (_told(ssl.SSLError, "SSLV3_ALERT_BAD_RECORD_MAC"), True),
        (_told(ssl.SSLError, "TLSV1_ALERT_UNKNOWN_CA"), False),
        (_told(ssl.SSLCertVerificationError, "CERTIFICATE_VERIFY_FAILED"), False),
        (Refused(0x88), True),
        (Refused(0x87), False),
        (UplinkError("lost"), True),
        (UplinkRefused("list"), False),
        (BrokerError("away"), True),
        (BrokerRefused("list"), False),
        (CameraError("away"), True),
        (CameraRefused("password"), False),
    ],
)
def test_what_somebody_must_change_first_is_told_from_what_passes(
    error: Exception, passes: bool
) -> None:
    assert redial.may_pass(error) is passes
