"""The phones around one board, and the companion sniffer that hears them."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from haidang_board.physics_phones import Crowd, Habits

_BAUD = 115200
FAULTS = ("", "silent", "noisy", "baud", "stuck", "deaf")


class PhonesWorld:
    """Who is within radio reach, and what is wrong with the sniffer.

    `phones` stay; `passing_per_min` come by and stay for `pass_s` on average. Each scans every
    `probe_period_s`, or, where that is 0, as its make and its owner do. `habits` says what makes
    there are: which hide, keep or change their address, let sequence numbers go on, have a
    second antenna, in what bursts they scan (haidang_board.physics_phones); None: a mixture.
    The sniffer draws a new key every `sniffer_window_s`. `sniffer_fault`: "silent" no power;
    "noisy" a bit of every third line is wrong; "baud" set to another rate; "stuck" the counter
    of its heartbeat stands still; "deaf" it hears nothing.
    """

    def __init__(self) -> None:
        self.phones = 0
        self.passing_per_min = 0.0
        self.pass_s = 60.0
        self.probe_period_s = 30.0
        self.habits: "Habits | None" = None
        self.sniffer_window_s = 10.0
        self.sniffer_fault = ""
        # Who the phones are; the sniffer's, for tests that look for what must not get out.
        self.crowd: "Crowd | None" = None

    @property
    def sniffer_silent(self) -> bool:
        """Whether nothing comes from the sniffer."""
        return self.sniffer_fault == "silent"

    @sniffer_silent.setter
    def sniffer_silent(self, silent: bool) -> None:
        self.sniffer_fault = "silent" if silent else ""

    @property
    def sniffer_baud(self) -> int:
        """The rate that its line has."""
        return _BAUD // 12 if self.sniffer_fault == "baud" else _BAUD
