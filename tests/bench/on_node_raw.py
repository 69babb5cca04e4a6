"""main.py of a board without the application: the raw limit of session, TLS and broker.

/bench.json says {"host","port","name","topic","payload","windows","messages"}. Publishes so many
messages at each window, as fast as the broker's PUBACKs let it, without outbox and asyncio.
Prints `RAW [[window, messages, ms], ...]`.
"""

import gc
import json
import socket
import ssl
import time

import network
from haidang_wire.session import Acknowledged, Session

_ORDER = json.load(open("/bench.json"))  # noqa: SIM115 - the board ends with this program


def _bytes(path):
    with open(path, "rb") as file:
        return file.read()


def _join():
    station = network.WLAN(network.WLAN.IF_STA)
    station.active(True)
    station.connect("demo", "secret")
    while not station.isconnected():
        time.sleep_ms(10)


def _connected():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=_bytes("/cert/ca.der"))
    context.load_cert_chain(_bytes("/cert/node.der"), _bytes("/cert/node.key"))
    context.verify_mode = ssl.CERT_REQUIRED
    line = socket.socket()
    line.connect(socket.getaddrinfo(_ORDER["host"], _ORDER["port"])[0][-1])
    return context.wrap_socket(line, server_hostname="gateway.local")


def _events(line, session):
    # What a broker says to a publisher has a length of one byte.
    head = line.read(2)
    if not head:
        raise OSError("the broker hung up")
    return session.receive(head + (line.read(head[1]) if head[1] else b""))


def _publish(line, session, window, messages):
    topic, payload = _ORDER["topic"], _ORDER["payload"].encode()
    began_ms = time.ticks_ms()
    sent = done = 0
    while done < messages:
        while sent < messages and sent - done < window and session.can_publish:
            _, data = session.publish(topic, payload)
            line.write(data)
            sent += 1
        for event in _events(line, session):
            done += isinstance(event, Acknowledged)
    return [window, messages, time.ticks_diff(time.ticks_ms(), began_ms)]


def _run():
    _join()
    line = _connected()
    session = Session(_ORDER["name"], keepalive_s=120)
    line.write(session.connect())
    while not session.can_publish:
        _events(line, session)
    results = []
    for window in _ORDER["windows"]:
        gc.collect()
        results.append(_publish(line, session, window, _ORDER["messages"]))
    print("RAW " + json.dumps(results))
    while True:
        time.sleep(1)


_run()
