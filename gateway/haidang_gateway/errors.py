"""The gateway's error tree; `retryable` says whether trying again later can help."""


class GatewayError(Exception):
    """Root of everything the gateway raises on purpose."""

    retryable = False


class ConfigError(GatewayError):
    """The configuration file has mistakes; `problems` holds one sentence for each."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        """Keep every problem: a technician repairs them all in one round."""
        super().__init__("\n".join(problems))
        self.problems = problems


class StoreError(GatewayError):
    """The database refused an operation or cannot be opened."""


class StoreFull(StoreError):
    """The disk or the page limit is used up, even after the oldest history was dropped."""

    retryable = True


class StoreBusy(StoreError):
    """The disk failed or the file is held by another program; nothing was changed."""

    retryable = True


class StoreVersion(StoreError):
    """The database was written by a later version of this program."""


class StoreBroken(StoreError):
    """The database's content is damaged; the next start rebuilds it from what can be read."""


class BrokerError(GatewayError):
    """The gateway's own broker is away, refused us or broke the protocol."""

    retryable = True


class BrokerRefused(BrokerError):
    """The gateway's own broker will not have us before its lists or certificates are changed."""

    retryable = False


class SerialPortError(GatewayError):
    """A serial device is away, held by another program, or was pulled out."""

    retryable = True


class ClockStepped(GatewayError):
    """The machine's wall clock was set; the gateway starts anew to follow it."""

    retryable = True


class PackRefused(GatewayError):
    """A node's message breaks the contract; it belongs in quarantine with `reason`."""

    def __init__(self, reason: str) -> None:
        """Keep the reason as it is shown to the technician."""
        super().__init__(reason)
        self.reason = reason


class OrderError(GatewayError):
    """A command for a node cannot be given, or its answer does not come."""


class NotRunning(OrderError):
    """No gateway runs that could be asked."""


class ModelError(GatewayError):
    """A model file is missing, altered or does not fit its card."""


class CameraError(GatewayError):
    """A picture source cannot be opened or has stopped."""

    retryable = True


class CameraRefused(CameraError):
    """A camera wants another account or password."""

    retryable = False


class EvidenceError(GatewayError):
    """A picture of an alarm cannot be kept or read."""


class PkiError(GatewayError):
    """The certificate authority cannot do what was asked."""


class LevelsError(GatewayError):
    """A file of official flood levels, or its key, is not to be believed."""


class UplinkError(GatewayError):
    """A destination's broker is away or its window is full."""

    retryable = True


class UplinkRefused(UplinkError):
    """A destination's broker will not have us before somebody changes a list or certificate."""

    retryable = False


class HungUp(UplinkError):
    """The broker closed the connection without an answer to CONNECT."""


class ProtocolRefused(UplinkError):
    """The broker does not speak the version of MQTT that was asked for."""
