"""A broker as it was before MQTT 5: refuses version 5, passes 3.1.1 on to a real one."""

import contextlib
import socket
import ssl
import threading
from pathlib import Path
from typing import Self

from waiting import DEADLINE_S

_REFUSED = bytes((0x20, 0x02, 0x00, 0x01))
_VERSION_5 = 5
_PIECE = 4096


class OldBroker:
    """TLS in front of `target_port`, shown `cert_name` there; `silent`: hangs up without a word.

    `versions` are the protocol levels that clients came with.
    """

    def __init__(
        self, ca: Path, target_port: int, cert_name: str, *, silent: bool = False
    ) -> None:
        self.versions: list[int] = []
        self.port = 0
        self._silent = silent
        self._ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._ours.load_cert_chain(ca / "broker-centre.pem", ca / "broker-centre.key")
        self._theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._theirs.check_hostname = False
        self._theirs.load_verify_locations(ca / "ca.pem")
        self._theirs.load_cert_chain(ca / f"{cert_name}.pem", ca / f"{cert_name}.key")
        self._target_port = target_port
        self._listener = socket.socket()
        self._thread = threading.Thread(target=self._listen, name="old broker", daemon=True)
        self._open: list[socket.socket] = []

    def __enter__(self) -> Self:
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen()
        self.port = self._listener.getsockname()[1]
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for one in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        self._thread.join(DEADLINE_S)

    def _listen(self) -> None:
        while True:
            try:
                raw, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(raw,), daemon=True).start()

    def _serve(self, raw: socket.socket) -> None:
        with contextlib.suppress(OSError), self._ours.wrap_socket(raw, server_side=True) as near:
            self._open.append(near)
            connect = near.recv(_PIECE)
            if not connect:
                return
            # Fixed header, remaining length of one or two bytes, "MQTT", level.
            level = connect[connect.index(b"MQTT") + 4]
            self.versions.append(level)
            if level >= _VERSION_5:
                if not self._silent:
                    near.sendall(_REFUSED)
                return
            with (
                socket.create_connection(("127.0.0.1", self._target_port)) as plain,
                self._theirs.wrap_socket(plain) as far,
            ):
                self._open.append(far)
                far.sendall(connect)
                back = threading.Thread(target=_copy, args=(far, near), daemon=True)
                back.start()
                _copy(near, far)
                back.join(DEADLINE_S)


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(_PIECE):
            target.sendall(piece)
    for one in (source, target):
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
