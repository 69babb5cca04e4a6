"""When a lost line is dialled again: soon after a short outage, slower the longer it lasts."""

import random
import ssl
from collections.abc import Callable
from dataclasses import dataclass

# Of an outage's length at most this part is added by noticing its end late.
_SHARE = 30
# A line that was lost sooner has not come back: who hangs up at once is not dialled each second.
_STABLE_MS = 5_000
# What a far side says whose program or line is out of order, not our certificate.
_PASSING_ALERTS = ("ALERT_INTERNAL_ERROR", "ALERT_BAD_RECORD_MAC")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """The longest pauses in seconds between two dials.

    `first_s` in the first `_SHARE` times as long, `cap_s` after a long outage, `refused_s` where
    somebody must change something first.
    """

    first_s: float
    cap_s: float
    refused_s: float


# mosquitto spends 1.9 ms of a processor on a connection: the 4,000 gateways that the deployed
# one takes are all back within 10 s of its return, as they were when pauses doubled.
DESTINATION = Pace(first_s=1.0, cap_s=5.0, refused_s=30.0)
# On the same machine, or as good as: the alarms of all its nodes wait.
OWN_BROKER = Pace(first_s=0.5, cap_s=2.0, refused_s=10.0)
# To look whether a plug is back costs nobody anything.
SERIAL_PORT = Pace(first_s=0.5, cap_s=2.0, refused_s=2.0)
# Cameras lock an account after a few wrong passwords (Hikvision: after 7, for 10 to 30 minutes).
CAMERA = Pace(first_s=1.0, cap_s=15.0, refused_s=60.0)


def pause_s(pace: Pace, down_s: float, luck: float, *, may_pass: bool = True) -> float:
    """The pause before the next dial, `down_s` after the line was lost.

    `luck` in [0, 1) spreads those who lost it together over half of the longest pause.
    """
    longest_s = min(pace.cap_s, max(pace.first_s, down_s / _SHARE))
    return (longest_s if may_pass else pace.refused_s) * (0.5 + luck / 2)


def may_pass(error: Exception) -> bool:
    """Whether dialling again can help before somebody changes a certificate or a list."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return False
    if isinstance(error, ssl.SSLError):
        reason = getattr(error, "reason", None) or ""
        return "ALERT" not in reason or reason.endswith(_PASSING_ALERTS)
    return bool(getattr(error, "retryable", True))


class Redial:
    """The pauses of one line; the times are steady milliseconds."""

    def __init__(self, pace: Pace, luck: Callable[[], float] = random.random) -> None:
        """`luck()` gives numbers in [0, 1)."""
        self._pace = pace
        self._luck = luck
        self._up_ms: int | None = None
        self._down_ms: int | None = None

    def up(self, now_ms: int) -> None:
        """Note that the line stands; may be called again while it does."""
        if self._up_ms is None:
            self._up_ms = now_ms

    def pause_s(self, now_ms: int, error: Exception | None = None) -> float:
        """Seconds until the next dial, now that the line was lost or a dial has failed.

        An `error` counts as a refusal only where the line has not stood meanwhile.
        """
        up_ms, self._up_ms = self._up_ms, None
        if up_ms is not None and now_ms - up_ms >= _STABLE_MS:
            self._down_ms = None
        if self._down_ms is None:
            self._down_ms = now_ms
        down_s = (now_ms - self._down_ms) / 1000
        passes = up_ms is not None or error is None or may_pass(error)
        return pause_s(self._pace, down_s, self._luck(), may_pass=passes)
