"""thingsboard-gateway with SQLite storage as a peer: same nodes, brokers, TLS and pack size.

It runs from an environment of its own (`make bench-forward` makes it) and sends to a server that
answers what it asks at the start: without an answer to `getSessionLimits` it stores and sends
nothing. Its defaults but for the storage; no limits of rate; its cheapest mapping: values
taken whole. Neither checks nor acknowledgements by name.
"""

import asyncio
import json
import os
import signal
import subprocess
import time
from pathlib import Path

import msgspec
from haidang_tools.brokers import Broker
from haidang_tools.fleet_node import SimNode
from haidang_tools.fleet_sim import readings

from bench import parts, stand
from bench.forward_centre import CountingCentre
from bench.forward_fleet import PUBLISHERS, Costs, Fleet, Run, until
from bench.forward_race import Load, median, run
from bench.forward_ways import Ours, authority

VERSION = "3.8.5"
_HOME = Path(__file__).resolve().parents[2] / ".cache" / "thingsboard"
_TELEMETRY = "v1/gateway/telemetry"
_ASKED = "v1/devices/me/rpc/request/"
_RIGHTS = "\nuser gw-01\ntopic readwrite v1/#\nuser centre-01\ntopic readwrite v1/#\n"
_NO_LIMITS = {"messages": "", "telemetryMessages": "", "telemetryDataPoints": ""}
_LIMIT_S = 180.0
_READY_S = 90.0
_STOP_S = 5.0


def figures(n: int = 5_000, rounds: int = 3, quick: bool = False) -> parts.Figures:
    """Median rates of `n` packs at once, ours in turn; null and why where it is not installed."""
    if not any(_HOME.glob(f"lib/python*/site-packages/thingsboard_gateway-{VERSION}.dist-info")):
        why = f"version {VERSION} is not installed: make bench-forward does it where it can"
        return {"thingsboard_msgs_per_s": None, "thingsboard_why": why}
    n, rounds, publishers = (200, 1, 10) if quick else (n, rounds, PUBLISHERS)
    theirs: list[Run] = []
    ours: list[Run] = []
    with stand.scratch("thingsboard") as folder:
        ca = authority(folder, publishers)
        for turn in range(rounds):
            theirs.append(_run(ThingsBoard(folder / f"{turn}", ca), ca, publishers, n))
            parts.LOG.info("thingsboard n=%s: %s", n, json.dumps(theirs[-1]))
            way = Ours(folder / f"ours-{turn}", ca, publishers)
            ours.append(run(way, ca, Load(publishers=publishers, n=n)))
            parts.LOG.info("ours beside it n=%s: %s", n, json.dumps(ours[-1]))
    rate, our_rate = median(theirs, "msgs_per_s"), median(ours, "msgs_per_s")
    return {
        "thingsboard_version": VERSION,
        "thingsboard_n": n,
        "thingsboard_rounds": rounds,
        "thingsboard_msgs_per_s": round(rate),
        "ours_beside_thingsboard_msgs_per_s": round(our_rate),
        "ours_to_thingsboard": round(our_rate / rate, 1) if rate else None,
        "thingsboard_lost": sum(int(one["lost"]) for one in theirs),
        "ours_beside_thingsboard_lost": sum(int(one["lost"]) for one in ours),
        "thingsboard_cpu_s_per_10k": round(median(theirs, "cpu_forwarder"), 1),
        "ours_beside_thingsboard_cpu_s_per_10k": round(median(ours, "cpu_forwarder"), 1),
        "thingsboard_disk_bytes_per_msg": round(median(theirs, "disk_bytes")),
        "thingsboard_rss_mb": round(max(one["rss_mb"] for one in theirs), 1),
    }


class ThingsBoard:
    """The gateway between two real brokers."""

    puback_is_enough = True

    def __init__(self, folder: Path, ca: Path) -> None:
        """Keep the arguments."""
        self.near = Broker("gateway", ca, folder / "near")
        self.far = Broker("centre", ca, folder / "far", rights=_RIGHTS)
        self._folder = folder
        self._ca = ca
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the brokers; the gateway asks once, so its server has to be there before it."""
        self.near.start()
        self.far.start()
        config = self._folder / "config"
        (self._folder / "data").mkdir(parents=True)
        (self._folder / "logs").mkdir()
        config.mkdir()
        documents = {
            "tb_gateway.json": self._gateway(),
            "mqtt.json": self._connector(),
            "logs.json": _logs(),
            "connected_devices.json": {},
        }
        for name, document in documents.items():
            (config / name).write_text(json.dumps(document), encoding="utf-8")

    def start_gateway(self) -> None:
        """It takes seconds until it forwards."""
        config = self._folder / "config"
        with (self._folder / "output.log").open("wb") as log:
            self._process = subprocess.Popen(
                [_HOME / "bin" / "thingsboard-gateway"],
                cwd=self._folder,
                env={"PATH": os.environ["PATH"], "TB_GW_CONFIG_DIR": f"{config}/"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def stop(self) -> None:
        """End it; what it does not end in time is killed."""
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.near.stop()
        self.far.stop()

    def centre(self, ca: Path) -> CountingCentre:
        """Counts its telemetry and answers its question."""
        return _Server(ca, self.far.port, [_TELEMETRY, _ASKED + "+"])

    def pack(self, node: SimNode, seq: int, unix_ms: int) -> bytes:
        """An object in its own form, taken whole, as long as the pack."""
        size = len(readings(node, seq, unix_ms))
        values = {"name": node.id, "he": node.epoch, "hb": node.boot, "hs": seq}
        values |= {"mv": 400 + seq * 7 % 90, "state": "normal", "pad": ""}
        document = {"bn": node.id, "ts": unix_ms, "values": values}
        bare = json.dumps(document, separators=(",", ":"))
        return bare.replace('"pad":"', '"pad":"' + "x" * max(0, size - len(bare))).encode()

    def pids(self) -> dict[str, int]:
        """Its one process, and the nodes' broker."""
        if self._process is None:
            raise RuntimeError("it does not run")
        return {"forwarder": self._process.pid, "broker": self.near.pid}

    def last_words(self) -> str:
        """What it printed last."""
        return (self._folder / "output.log").read_text(errors="replace")[-1000:]

    def _gateway(self) -> dict[str, object]:
        name = f"{self._ca / 'gw-01'}"
        return {
            "thingsboard": {
                "host": "127.0.0.1",
                "port": self.far.port,
                "remoteShell": False,
                "remoteConfiguration": False,
                "statistics": {"enable": False},
                "checkConnectorsConfigurationInSeconds": 60,
                "qos": 1,
                "security": {
                    "type": "tlsPrivateKey",
                    "caCert": f"{self._ca / 'ca.pem'}",
                    "cert": f"{name}.pem",
                    "privateKey": f"{name}.key",
                    "insecure": True,
                },
            },
            "storage": {"type": "sqlite", "data_file_path": f"{self._folder / 'data'}/"},
            "grpc": {"enabled": False},
            "connectors": [{"type": "mqtt", "name": "nodes", "configuration": "mqtt.json"}],
        }

    def _connector(self) -> dict[str, object]:
        name = f"{self._ca / 'gw-01'}"
        return {
            "broker": {
                "host": "127.0.0.1",
                "port": self.near.port,
                "clientId": "gw-01",
                "version": 5,
                "maxMessageNumberPerWorker": 10,
                "maxNumberOfWorkers": 100,
                "security": {
                    "type": "certificates",
                    "pathToCACert": f"{self._ca / 'ca.pem'}",
                    "pathToClientCert": f"{name}.pem",
                    "pathToPrivateKey": f"{name}.key",
                    "insecure": True,
                },
            },
            "mapping": [
                {
                    "topicFilter": "hd/1/n/+/data",
                    "subscriptionQos": 1,
                    "converter": {
                        "type": "json",
                        "deviceInfo": {
                            "deviceNameExpressionSource": "message",
                            "deviceNameExpression": "${bn}",
                            "deviceProfileExpressionSource": "constant",
                            "deviceProfileExpression": "smoke",
                        },
                        "timeout": 60000,
                        "attributes": [],
                        "timeseries": ["*"],
                    },
                }
            ],
        }


class _Server(CountingCentre):
    def __init__(self, ca: Path, port: int, filters: list[str]) -> None:
        super().__init__(ca, port, filters)
        self._asked: list[str] = []

    def take(self, topic: bytes, payload: bytes) -> None:
        if topic.startswith(_ASKED.encode()):
            self._asked.append(topic.decode())
            return
        for entries in msgspec.json.decode(payload).values():
            for entry in entries:
                of = entry["values"]
                self.note(of["name"], of["he"], of["hb"], of["hs"])

    def answers(self) -> list[bytes]:
        limits = {
            "rateLimits": _NO_LIMITS,
            "gatewayRateLimits": _NO_LIMITS,
            "maxInflightMessages": 1000,
            "maxPayloadSize": 65536,
        }
        topics = [topic.replace("request", "response") for topic in self._asked]
        self._asked.clear()
        return [self.answer(topic, msgspec.json.encode(limits)) for topic in topics]


def _logs() -> dict[str, object]:
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "handlers": {"console": {"class": "logging.StreamHandler", "level": "WARNING"}},
        "root": {"level": "WARNING", "handlers": ["console"]},
    }


def _run(way: ThingsBoard, ca: Path, publishers: int, n: int) -> Run:
    try:
        way.start()
        return asyncio.run(_measure(way, ca, publishers, n))
    finally:
        way.stop()


async def _measure(way: ThingsBoard, ca: Path, publishers: int, n: int) -> Run:
    async with Fleet(way, ca, publishers) as fleet:
        names = fleet.centre.names
        try:
            async with asyncio.timeout(_READY_S):
                await fleet.ready()
                way.start_gateway()
                await _warm(fleet)
        except TimeoutError:
            raise RuntimeError(f"it forwards nothing: {way.last_words()}") from None
        before = fleet.freed.count
        names.clear()
        packs = fleet.packs(n)
        costs = Costs(way)
        began_s = time.monotonic()
        try:
            async with asyncio.timeout(_LIMIT_S):
                await fleet.feed(packs)
                await until(lambda: len(names) >= n and fleet.freed.count - before >= n)
        except TimeoutError:
            parts.LOG.warning("%s of %s came", len(names), n)
    return {
        "msgs_per_s": len(names) / (fleet.centre.last_s - began_s),
        "received": len(names),
        "lost": fleet.freed.count - before - len(names),
        "copies": fleet.centre.copies,
        **costs.per_message(n),
    }


async def _warm(fleet: Fleet) -> None:
    """One pack after the other until all that were sent since it subscribed have come."""
    while not fleet.centre.names:
        await fleet.feed(fleet.packs(1))
        await asyncio.sleep(1.0)
    await asyncio.sleep(2.0)


if __name__ == "__main__":
    parts.main(figures, n=5_000, rounds=3)
