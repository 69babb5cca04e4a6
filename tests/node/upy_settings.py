"""node.json, Wi-Fi states and commands: every mistake named, nothing ends the program."""

import os

from haidang_node import log
from haidang_node.commands import Commands
from haidang_node.config import check
from haidang_node.errors import ConfigError
from haidang_node.link import JOINING, UP, WAITING, Backoff, Link

log.start(log.ERROR + 1, lambda: 0)


def _node(**changes):
    document = {
        "v": 1,
        "wifi": [{"ssid": "demo", "key": "secret"}],
        "broker": {"host": "192.168.1.10"},
        "sensors": {"smoke": {}},
    }
    document.update(changes)
    return document


def _problems(document):
    try:
        check(document)
    except ConfigError as error:
        return error.problems
    return ()


def test_defaults_fill_what_is_not_given() -> None:
    settings = check(_node())
    assert settings["broker"] == {
        "host": "192.168.1.10",
        "port": 8883,
        "server_name": "gateway.local",
    }
    assert settings["sensors"]["smoke"]["alarm_permille"] == 500
    assert settings["outbox"] == {"bytes": 1048576}
    assert (settings["report_s"], settings["heartbeat_s"]) == (10, 30)


def test_the_example_of_the_interface_is_accepted() -> None:
    document = _node(
        sensors={
            "smoke": {
                "adc_pin": 34,
                "r0_ohm": 10000,
                "load_ohm": 5000,
                "contact_pin": 27,
                "siren_pin": 25,
                "warmup_s": 0,
                "pre_alarm_permille": 700,
                "alarm_permille": 500,
            },
            "flood": {
                "uart": 2,
                "rx_pin": 16,
                "tx_pin": 17,
                "mount_mm": 3000,
                "watch_mm": 300,
                "warning_mm": 500,
                "danger_mm": 800,
                "hysteresis_mm": 30,
            },
            "footfall": {"uart": 1, "rx_pin": 26, "window_s": 60},
        },
        report_s=10,
        heartbeat_s=30,
        supply_pin=35,
        led_pin=2,
        watchdog_ms=8000,
        outbox={"bytes": 1048576},
    )
    assert check(document) == check(document)
    assert sorted(check(document)["sensors"]) == ["flood", "footfall", "smoke"]


def test_all_mistakes_are_named_at_once() -> None:
    document = _node(
        wifi=[{"ssid": "", "pass": "x"}],
        broker={"host": "gateway.local", "port": 99999},
        sensors={"smoke": {"alarm_permille": "500", "r0": 1}, "rain": {}},
    )
    text = " | ".join(_problems(document))
    for part in ("wifi[0]: pass", "wifi[0]: ssid", "port", "gateway.local", "alarm_permille"):
        assert part in text, (part, text)
    for part in ("sensors.smoke: r0", "rain is not a sensor kind; known: flood, footfall, smoke"):
        assert part in text, (part, text)


def test_orders_of_levels_are_checked() -> None:
    flood = {"watch_mm": 500, "warning_mm": 500, "danger_mm": 800}
    assert "watch_mm < warning_mm" in _problems(_node(sensors={"flood": flood}))[0]
    smoke = {"pre_alarm_permille": 400}
    assert "alarm_permille must be below" in _problems(_node(sensors={"smoke": smoke}))[0]
    assert "below mount_mm" in _problems(_node(sensors={"flood": {"mount_mm": 700}}))[0]


def test_what_is_no_object_or_misses_fields_is_named() -> None:
    for document in (None, [], "x", 3):
        assert _problems(document) == ("node.json must be an object in { }",)
    missing = " ".join(_problems({}))
    for name in ("v is missing", "wifi is missing", "broker is missing", "sensors is missing"):
        assert name in missing
    assert _problems(_node(report_s=True)) == ("node.json: report_s must be a whole number",)
    assert _problems(_node(wifi=[3])) == ("wifi[0] must be an object in { }",)


class _Radio:
    def __init__(self):
        self.asked = []
        self.there = False
        self.broken: type | None = None

    def join(self, ssid, key):
        self.asked.append(ssid)
        if self.broken:
            raise self.broken("Wifi Internal Error")

    def leave(self):
        self.there = False
        if self.broken:
            raise self.broken("Wifi Internal Error")

    def joined(self):
        return self.there


_NETWORKS = [{"ssid": "one", "key": ""}, {"ssid": "two", "key": ""}]


def test_the_networks_are_tried_in_turn_for_ever_with_growing_waits() -> None:
    radio = _Radio()
    link = Link(radio, _NETWORKS, lambda: 0)
    for second in range(0, 600):
        link.step(second * 1000)
    assert radio.asked[:4] == ["one", "two", "one", "two"]
    assert 600 // 46 <= len(radio.asked) <= 600 // 15


def test_a_lost_network_is_joined_again_and_errors_of_the_radio_end_nothing() -> None:
    radio = _Radio()
    link = Link(radio, _NETWORKS, lambda: 0)
    link.step(0)
    assert link.state == JOINING
    radio.there = True
    link.step(1000)
    assert link.state == UP
    radio.there = False
    link.step(10000)
    assert link.state == WAITING
    for number, broken in enumerate((OSError, RuntimeError)):
        radio.broken = broken
        link.step(11000 + 4000 * number)
        assert link.state == WAITING
    radio.broken = None
    for second in range(16, 24):
        link.step(second * 1000)
    assert link.state == JOINING


def test_a_stable_success_starts_the_waits_over() -> None:
    backoff = Backoff(1000, 30000, lambda: 0)
    assert [backoff.wait_ms() for _ in range(7)] == [1000, 2000, 4000, 8000, 16000, 30000, 30000]
    backoff.worked(100)
    assert backoff.wait_ms() == 30000
    backoff.worked(5000)
    assert backoff.wait_ms() == 1000


def test_jitter_takes_a_quarter_at_most() -> None:
    for number in (0, 1, 250, 251, 0xFFFFFFFF):
        wait_ms = Backoff(1000, 30000, lambda number=number: number).wait_ms()
        assert 750 <= wait_ms <= 1000


def _commands(done):
    path = "/tmp/haidang-commands-%d" % int.from_bytes(os.urandom(4), "big")
    commands = Commands(path, {"identify": lambda args: (done.append(args) or {}, None)})
    commands.open()
    return commands, path


def _order(number, do="identify", exp_ms=2000):
    return {"id": "c-%d" % number, "do": do, "exp_ms": exp_ms}


def test_a_command_is_taken_once_even_after_a_restart() -> None:
    commands, path = _commands([])
    assert commands.accept(_order(1))
    assert not commands.accept(_order(1))
    again = Commands(path, {})
    again.open()
    assert not again.accept(_order(1))
    for number in range(2, 40):
        assert again.accept(_order(number))
    again.open()
    assert not again.accept(_order(39))
    os.remove(path)


def test_expired_unknown_and_untimed_commands_are_refused_with_a_hint() -> None:
    done = []
    commands, _ = _commands(done)
    for order, unix_ms, error in (
        (_order(1), 2001, "expired"),
        (_order(1), None, "clock"),
        (_order(1, do="config"), 1000, "not supported by this firmware yet"),
    ):
        reply, after = commands.execute(order, unix_ms)
        assert reply["ok"] is False
        assert error in reply["err"]
        assert reply["hint"]
        assert after is None
    assert done == []
    assert commands.execute(_order(2), 1999)[0] == {"id": "c-2", "ok": True, "out": {}}
    assert done == [{}]
