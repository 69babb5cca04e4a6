"""main.py of a board that publishes with aiomqttc, the other asyncio client from PyPI.

/bench.json as in on_node_raw.py; prints `PEER [messages, ms]`. It waits for each PUBACK itself.
"""

import asyncio
import json
import ssl
import time

import aiomqttc
import network

with open("/bench.json") as _file:
    _ORDER = json.load(_file)


def _bytes(path):
    with open(path, "rb") as file:
        return file.read()


async def _run():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_cert_chain(_bytes("/cert/node.der"), _bytes("/cert/node.key"))
    # It gives no server name to the handshake, so it cannot check the broker.
    context.verify_mode = ssl.CERT_NONE
    aiomqttc.log = lambda *_: None
    client = aiomqttc.MQTTClient(
        _ORDER["name"], _ORDER["host"], _ORDER["port"], keepalive=60, ssl=context
    )
    await client.connect()
    began_ms = time.ticks_ms()
    done = 0
    for _ in range(_ORDER["messages"]):
        done += bool(await client.publish(_ORDER["topic"], _ORDER["payload"], qos=1))
    print("PEER " + json.dumps([done, time.ticks_diff(time.ticks_ms(), began_ms)]))


_station = network.WLAN(network.WLAN.IF_STA)
_station.active(True)
_station.connect("demo", "secret")
while not _station.isconnected():
    time.sleep_ms(10)
asyncio.run(_run())
