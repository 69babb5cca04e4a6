"""Errors of the contract: what breaks it, where, and what was expected."""


class WireError(ValueError):
    """Base of all: `retryable` says whether the same call may succeed later."""

    retryable = False


class PackError(WireError):
    """A SenML pack that the contract does not allow."""


class MessageError(WireError):
    """A JSON message that the contract does not allow."""


class NewerVersion(MessageError):
    """A message of a higher major version: keep and count it, do not interpret it."""


class TopicError(WireError):
    """A topic that is not in the contract's table."""


class MqttError(WireError):
    """Base of all that ends or limits an MQTT connection."""


class MalformedPacket(MqttError):
    """Bytes that are no MQTT 5 packet."""


class PacketTooLarge(MqttError):
    """A packet above the agreed size, in either direction."""


class ProtocolError(MqttError):
    """A well-formed packet at the wrong time, or an answer that did not come."""

    retryable = True


class WindowFull(MqttError):
    """No more QoS 1 publishes until the server acknowledges one."""

    retryable = True


class Refused(MqttError):
    """The server refused the connection; `code` is its MQTT 5 reason code."""

    def __init__(self, code: int) -> None:
        from haidang_wire.reasons import TEMPORARY, reason_text

        super().__init__("the broker refused the connection: %s" % reason_text(code))
        self.code = code
        self.retryable = code in TEMPORARY
