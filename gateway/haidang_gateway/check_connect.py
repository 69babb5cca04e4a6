"""For `check --connect`: shakes hands with each destination's broker, both certificates shown."""

import socket
import ssl
from collections.abc import Iterator

from haidang_gateway.destination import DestinationSettings
from haidang_gateway.settings import Settings
from haidang_gateway.uplink.tls import uplink_context

_ANSWER_S = 5.0
# In TLS 1.3 a server refuses our certificate only after its own part of the handshake.
_REFUSAL_S = 1.0


def problems(settings: Settings) -> Iterator[str]:
    """One sentence for each destination whose broker cannot be used; no session is touched."""
    for one in (settings.centre, *settings.destinations):
        if said := _problem(one):
            table = "centre" if one.is_centre else f"destination {one.name}"
            yield f"[{table}] {one.host}:{one.port}: {said}"


def _problem(one: DestinationSettings) -> str:
    try:
        context = uplink_context(
            server_name=one.server_name, ca=one.ca, cert=one.cert, key=one.key
        )
        with (
            socket.create_connection((one.host, one.port), timeout=_ANSWER_S) as plain,
            context.wrap_socket(plain) as line,
        ):
            line.settimeout(_REFUSAL_S)
            if line.recv(1) == b"":
                return "hangs up; it may not know our certificate's authority"
    except TimeoutError as error:
        # Silence after the handshake is what a broker owes us.
        return "" if "read" in str(error) else "does not answer; check the line and the address"
    except ssl.SSLCertVerificationError as error:
        return f"its certificate is not accepted: {error.verify_message}; check ca and server_name"
    except ssl.SSLError as error:
        return f"refuses us: {error.reason}; check cert and key and that it knows their authority"
    except OSError as error:
        return f"{error.strerror or error}; check the line and the address"
    return ""
