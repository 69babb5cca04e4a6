"""MQTT 5 reason codes in plain words; loaded only when one has to be shown."""

# OASIS MQTT 5.0, section 2.4; those that a client of ours can meet.
_TEXTS = {
    0x00: "success",
    0x04: "disconnected, will to be sent",
    0x10: "nobody is subscribed",
    0x80: "unspecified error",
    0x81: "malformed packet",
    0x82: "protocol error",
    0x83: "implementation specific error",
    0x84: "protocol version not supported",
    0x85: "client id not valid",
    0x86: "bad user name or password",
    0x87: "not authorised (check the access list and the certificate's name)",
    0x88: "server unavailable",
    0x89: "server busy",
    0x8A: "banned",
    0x8B: "server shutting down",
    0x8D: "keepalive time-out",
    0x8E: "session taken over (another client uses the same certificate)",
    0x8F: "topic filter not valid",
    0x90: "topic name not valid",
    0x91: "packet id in use",
    0x93: "receive maximum exceeded",
    0x94: "topic alias not valid",
    0x95: "packet too large",
    0x96: "message rate too high",
    0x97: "quota exceeded",
    0x98: "closed by an administrator",
    0x99: "payload format not valid",
    0x9A: "retain not supported",
    0x9B: "QoS not supported",
    0x9C: "use another server",
    0x9D: "server moved",
    0x9F: "connection rate exceeded",
}

# The same connection may be accepted later without anyone changing anything.
TEMPORARY = (0x80, 0x88, 0x89, 0x8B, 0x97, 0x98, 0x9F)


def reason_texts() -> dict[int, str]:
    """All codes with their words."""
    return dict(_TEXTS)


def reason_text(code: int) -> str:
    """Plain words for a reason code, with the code."""
    return "%s (0x%02x)" % (_TEXTS.get(code, "unknown reason"), code)
