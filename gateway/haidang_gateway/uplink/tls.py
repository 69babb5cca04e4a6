"""TLS for the uplink: the name that is expected, and a socket that can be cut from outside."""

import contextlib
import os
import socket
import ssl
from pathlib import Path
from typing import Any

from haidang_gateway.redial import may_pass


class _ClosingSocket(ssl.SSLSocket):
    """Closes itself when the handshake fails, keeps a late refusal; paho would do neither."""

    def do_handshake(self, block: bool = False) -> None:
        """Shake hands."""
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        """Read; in TLS 1.3 a refused certificate is told only here."""
        try:
            return super().recv(buflen, flags)
        except ssl.SSLError as error:
            if isinstance(self.context, UplinkContext) and not may_pass(error):
                self.context.refusal = error
            raise


class UplinkContext(ssl.SSLContext):
    """Context of one connection; made by `uplink_context`."""

    sslsocket_class = _ClosingSocket
    server_name: str
    refusal: ssl.SSLError | None = None
    _socket: ssl.SSLSocket | None = None
    _is_cut = False

    def wrap_socket(self, sock: socket.socket, *args: Any, **options: Any) -> ssl.SSLSocket:
        """Wrap, and expect `server_name` in the certificate, whatever address was dialled."""
        # An alarm is one small packet: it must not wait for more to fill the segment.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        options["server_hostname"] = self.server_name
        self._socket = super().wrap_socket(sock, *args, **options)
        if self._is_cut:
            self._socket.close()
            raise ConnectionAbortedError("the connection was cut before its handshake")
        return self._socket

    def cut(self) -> None:
        """Shut the connection down, also in mid-handshake: whoever waits on it gets an error."""
        self._is_cut = True
        wrapped = self._socket
        if wrapped is None or wrapped.fileno() < 0:
            return
        # A second descriptor, since closing one that another thread waits on wakes nobody.
        with contextlib.suppress(OSError), socket.socket(fileno=os.dup(wrapped.fileno())) as raw:
            raw.shutdown(socket.SHUT_RDWR)


def uplink_context(*, server_name: str, ca: Path, cert: Path, key: Path) -> UplinkContext:
    """TLS 1.2 or newer, our certificate, and the authority that the broker must have.

    Raises OSError (ssl.SSLError too) when a file cannot be used.
    """
    context = UplinkContext(ssl.PROTOCOL_TLS_CLIENT)
    context.server_name = server_name
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(ca)
    context.load_cert_chain(cert, key)
    return context
