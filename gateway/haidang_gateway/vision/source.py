"""Where pictures come from, what the address says of it, and how it is shown without secrets."""

import re
from dataclasses import dataclass

_LIVE = re.compile(r"^(rtsps?|rtmp|https?|tcp|udp|srt)://|^/dev/video|^snapshot\+|^picamera2:")
_LOSSLESS = re.compile(r"^(rtsps?|rtmp|https?|tcp)://")
# Passwords hold "/" and "@" too, and many cameras want theirs in the path or behind a "?".
_ACCOUNT = re.compile(r"(:/+)\S*@")
_PARAMETERS = re.compile(r"\?\S*|/[^/?\s]*=\S*")
SNAPSHOT = "snapshot+"
_DEVICE = "/dev/video"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where the pictures come from and how long to wait for them.

    `snapshot+http://...` is one picture for each request, asked for every `snapshot_every_s`.
    """

    address: str
    loop: bool = True
    open_timeout_s: float = 10.0
    read_timeout_s: float = 5.0
    snapshot_every_s: float = 1.0

    @property
    def live(self) -> bool:
        """A stream or device sets its own pace; a file is paced by its time stamps."""
        return _LIVE.match(self.address) is not None

    @property
    def patient(self) -> bool:
        """Whether packets may wait for us: in a file, or in a connection that loses none."""
        return not self.live or _LOSSLESS.match(self.address) is not None

    @property
    def snapshot(self) -> bool:
        """One picture for each request."""
        return self.address.startswith(SNAPSHOT)

    @property
    def module(self) -> int | None:
        """The number of a camera on the board's ribbon cable (`picamera2:0`), else None."""
        name, _, number = self.address.partition(":")
        return int(number or "0") if name == "picamera2" else None

    @property
    def device(self) -> bool:
        """A camera of this machine, most of all on USB."""
        return self.address.startswith(_DEVICE)

    @property
    def shown(self) -> str:
        """The address without account and parameters, for logs and messages."""
        return without_secrets(self.address) if ":/" in self.address else self.address


def without_secrets(text: str) -> str:
    """A text, perhaps an error's, without accounts and parameters of addresses."""
    return _PARAMETERS.sub("", _ACCOUNT.sub(r"\1", text))
