"""What a centre's broker says no to is asked again slowly; what merely fails, soon."""

import asyncio
import socket
import ssl
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from haidang_gateway.clock import Clock
from haidang_gateway.errors import HungUp, ProtocolRefused, UplinkError, UplinkRefused
from haidang_gateway.redial import DESTINATION
from haidang_gateway.uplink import client
from haidang_gateway.uplink.centre import CentreClient
from haidang_gateway.uplink.client import Connection
from haidang_gateway.uplink.tls import uplink_context
from haidang_tools.brokers import Broker, certificates
from haidang_tools.fault_proxy import FaultProxy
from old_broker import OldBroker
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode
from redial_kit import pause_of_one_that_stood_s
from running_uplink import RunningUplink, destination_at
from waiting import DEADLINE_S, until

# Longer than any pause of a failure that passes, the shortest of a refusal.
_SLOW_S = 15.0
_PASSING = ("hangs up", "nobody there")


async def _unheard(_topic: str, _payloads: Sequence[bytes]) -> None:
    raise AssertionError("nobody has anything to say")


@pytest.mark.parametrize(
    "fault",
    ["its name", "its authority", "our authority", "our name", "hangs up", "nobody there"],
)
def test_a_refusal_is_told_from_a_failure(
    ca: Path, tmp_path: Path, pauses: list[float], fault: str
) -> None:
    foreign = tmp_path / "foreign"
    if fault.endswith("authority"):
        certificates(foreign, "gw-01")
    ours, is_refusal = foreign if fault == "our authority" else ca, fault not in _PASSING
    broker = Broker(
        "centre", ca, tmp_path, more="clientid_prefixes gw-9" if fault == "our name" else ""
    )

    async def scenario(port: int) -> None:
        settings = destination_at(
            ca,
            1 if fault == "nobody there" else port,
            server_name="centre.example" if fault == "its name" else "gateway.local",
            ca=(foreign if fault == "its authority" else ca) / "ca.pem",
            cert=ours / "gw-01.pem",
            key=ours / "gw-01.key",
        )
        line = CentreClient(settings, "gw-01", Clock(), _unheard)
        task = asyncio.create_task(line.run(), name="client under test")
        # The reason for refusing a certificate is often lost with the line, but not each time.
        await until(
            lambda: len(pauses) >= 5 and (not is_refusal or max(pauses) >= _SLOW_S), "the dials"
        )
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert line.connections == 0

    with broker, FaultProxy(broker.port) as way:
        way.set_up(fault != "hangs up")
        asyncio.run(scenario(way.port))
    slow = [pause_s >= _SLOW_S for pause_s in pauses]
    assert slow == sorted(slow)
    assert slow[-1] == is_refusal
    if fault != "our authority":
        assert slow[0] == is_refusal


class _Hasty(Clock):
    """Ten seconds pass at each dial that fails."""

    def __init__(self, pauses: list[float]) -> None:
        self._pauses = pauses
        super().__init__()

    def monotonic_ms(self) -> int:
        return len(self._pauses) * 10_000


def test_a_broker_that_hangs_up_without_a_word_is_asked_slowly_after_a_minute(
    ca: Path, broker: Broker, pauses: list[float]
) -> None:
    async def scenario(port: int) -> None:
        settings, clock = destination_at(ca, port, protocol="5"), _Hasty(pauses)
        client = CentreClient(settings, "gw-01", clock, _unheard)
        task = asyncio.create_task(client.run(), name="client under test")
        await until(lambda: len(pauses) >= 8, "eight dials")
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    with broker, OldBroker(ca, broker.port, "gw-01", silent=True) as old:
        asyncio.run(scenario(old.port))
    # A proxy that ends TLS hangs up like that while its broker starts: that passes.
    assert [pause_s >= _SLOW_S for pause_s in pauses[:8]] == [False] * 6 + [True] * 2


def test_a_hang_up_is_a_refusal_behind_one_or_behind_a_minute_of_hang_ups(ca: Path) -> None:
    line = CentreClient(destination_at(ca, 1), "gw-01", Clock(), _unheard)
    mute, told, away = HungUp("no word"), UplinkRefused("list"), UplinkError("away")

    def is_refusal(error: UplinkError, at_s: int) -> bool:
        return isinstance(line._judged(error, at_s * 1000), UplinkRefused)

    assert [is_refusal(mute, at_s) for at_s in (0, 59, 60)] == [False, False, True]
    assert [is_refusal(away, 61), is_refusal(mute, 62)] == [False, False]
    assert [is_refusal(told, 63), is_refusal(mute, 64)] == [True, True]
    line._went_up()
    assert not is_refusal(mute, 65)


def test_a_line_that_has_stood_is_dialled_soon_though_it_was_away_for_long_before(
    ca: Path,
) -> None:
    line = CentreClient(destination_at(ca, 1), "gw-01", Clock(), _unheard)
    assert pause_of_one_that_stood_s(line._redial, line._went_up) <= DESTINATION.first_s


def test_a_broker_that_has_not_answered_yet_has_refused_nothing(ca: Path) -> None:
    ours = uplink_context(
        server_name="gateway.local", ca=ca / "ca.pem", cert=ca / "gw-01.pem", key=ca / "gw-01.key"
    )
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    theirs.load_cert_chain(ca / "broker-centre.pem", ca / "broker-centre.key")
    with socket.create_server(("127.0.0.1", 0)) as door, ThreadPoolExecutor(1) as other:
        raw = socket.create_connection(door.getsockname())
        far = other.submit(theirs.wrap_socket, door.accept()[0], server_side=True)
        with ours.wrap_socket(raw) as near, far.result(DEADLINE_S):
            near.setblocking(False)
            with pytest.raises(ssl.SSLWantReadError):
                near.recv(1)
    assert ours.refusal is None


@pytest.mark.parametrize(
    ("code", "kind"),
    [(0x84, ProtocolRefused), (0x87, UplinkRefused), (0x88, UplinkError), (0x9D, UplinkRefused)],
)
def test_a_brokers_answer_says_whether_it_passes(
    ca: Path, code: int, kind: type[UplinkError]
) -> None:
    async def scenario() -> None:
        connection = Connection(destination_at(ca, 1), "gw-01")
        reason = ReasonCode(PacketTypes.CONNACK, identifier=code)
        connection._on_connect(connection._client, None, None, reason, None)
        with pytest.raises(kind) as told:
            await connection._ready
        assert type(told.value) is kind

    asyncio.run(scenario())


def test_a_line_that_breaks_behind_the_brokers_answer_is_no_hang_up(ca: Path) -> None:
    async def scenario() -> None:
        connection = Connection(destination_at(ca, 1), "gw-01")
        connection._answered = True
        connection._on_disconnect(connection._client, None, None, "lost", None)
        with pytest.raises(UplinkError) as told:
            await connection._ready
        assert type(told.value) is UplinkError

    asyncio.run(scenario())


def test_a_broker_that_lets_us_hear_no_acknowledgement_refuses_us(ca: Path) -> None:
    async def scenario() -> None:
        connection = Connection(destination_at(ca, 1), "gw-01")
        taken, refused = (ReasonCode(PacketTypes.SUBACK, identifier=code) for code in (1, 0x87))
        connection._on_subscribe(None, None, 1, [taken, refused], None)
        with pytest.raises(UplinkRefused, match="acknowledgement"):
            await connection._ready

    asyncio.run(scenario())


def test_an_alarm_on_a_line_gone_silent_goes_over_a_new_one_after_two_keepalives(
    ca: Path, broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "_KEEPALIVE_S", 1)

    async def scenario() -> float:
        with FaultProxy(broker.port) as line:
            uplink = RunningUplink(ca, tmp_path, line.port)
            async with uplink.running():
                await until(uplink.client.connected.is_set, "connected")
                line.forget()
                await uplink.make("alarm")
                began_s = asyncio.get_running_loop().time()
                await until(lambda: uplink.client.unheard == 1, "the broker has it")
                return asyncio.get_running_loop().time() - began_s

    with broker:
        assert asyncio.run(scenario()) < 10


def test_a_silent_line_is_left_before_an_alarm_has_waited_for_half_a_minute() -> None:
    # paho looks once a second, the goodbye takes one, then comes the first pause.
    assert 2 * client._KEEPALIVE_S + 3 < 30
