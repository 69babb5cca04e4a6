"""node.json and Wi-Fi states: every mistake named, nothing ends the program."""

from haidang_node import log
from haidang_node.config import check
from haidang_node.errors import ConfigError
from haidang_node.link import Backoff

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
    assert settings["sensors"]["smoke"]["alarm_permille"] == 660
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
        supply_low_mv=4400,
        supply_high_mv=5600,
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
    kinds = "rain is not a sensor kind; known: env, flood, footfall, smoke"
    for part in ("sensors.smoke: r0", kinds):
        assert part in text, (part, text)


def test_orders_of_levels_are_checked() -> None:
    flood = {"watch_mm": 500, "warning_mm": 500, "danger_mm": 800}
    assert "watch_mm < warning_mm" in _problems(_node(sensors={"flood": flood}))[0]
    smoke = {"pre_alarm_permille": 400}
    assert "alarm_permille must be below" in _problems(_node(sensors={"smoke": smoke}))[0]
    smoke = {"pre_alarm_permille": 801}
    assert "is 801, must be 1 to 800" in _problems(_node(sensors={"smoke": smoke}))[0]
    assert "below mount_mm" in _problems(_node(sensors={"flood": {"mount_mm": 700}}))[0]
    blind = {"driver": "jsn_sr04t", "mount_mm": 1000}
    assert "250 mm below mount_mm" in _problems(_node(sensors={"flood": blind}))[0]
    deaf = {"driver": "jsn_pulse", "mount_mm": 6500}
    assert "beyond the 6000 mm" in _problems(_node(sensors={"flood": deaf}))[0]


def test_what_is_no_object_or_misses_fields_is_named() -> None:
    for document in (None, [], "x", 3):
        assert _problems(document) == ("node.json must be an object in { }",)
    missing = " ".join(_problems({}))
    for name in ("v is missing", "wifi is missing", "broker is missing", "sensors is missing"):
        assert name in missing
    assert _problems(_node(report_s=True)) == ("node.json: report_s must be a whole number",)
    assert _problems(_node(wifi=[3])) == ("wifi[0] must be an object in { }",)


def test_a_stable_success_starts_the_waits_over() -> None:
    backoff = Backoff(1000, 30000, lambda: 0)
    assert [backoff.wait_ms() for _ in range(7)] == [1000, 2000, 4000, 8000, 16000, 30000, 30000]
    backoff.worked(100)
    assert backoff.wait_ms() == 30000
    backoff.worked(5000)
    assert backoff.wait_ms() == 1000


def test_a_pin_or_a_uart_that_is_wired_twice_is_named() -> None:
    for sensors, told in (
        ({"flood": {"float_pin": 27}, "smoke": {}}, "GPIO 27 is float_pin of sensors.flood and"),
        ({"flood": {"uart": 1}, "footfall": {}}, "uart 1 is uart of sensors.flood and"),
        ({"smoke": {"loop_pin": 35}}, "GPIO 35 is supply_pin of node.json and loop_pin of"),
        ({"smoke": {"siren_pin": 34}}, "each needs its own; -1 for a pin that is not wired"),
        ({"env": {"driver": "dht22", "pin": 16}, "flood": {}}, "GPIO 16 is pin of sensors.env"),
        ({"env": {"sda_pin": 25}, "smoke": {}}, "sda_pin of sensors.env and siren_pin"),
    ):
        for keep in (True, False):
            document = _node(sensors={kind: dict(sensors[kind]) for kind in sorted(sensors)})
            try:
                check(document, keep)
                problems = ""
            except ConfigError as error:
                (problems,) = error.problems
            assert told in problems, problems
    for sensors in (
        {"flood": {"driver": "current"}, "footfall": {"rx_pin": 16}},
        {"env": {"driver": "dht22", "sda_pin": 25}, "smoke": {}},
        {"flood": {"driver": "float", "float_pin": 16}, "footfall": {"uart": 2}},
        {"footfall": {"source": "ble", "rx_pin": 2}},
    ):
        assert check(_node(sensors=sensors))["sensors"]


def test_gpio_34_to_39_drive_nothing_and_pull_nothing_up() -> None:
    for changes, told in (
        ({"sensors": {"smoke": {"siren_pin": 36}}}, "siren_pin of sensors.smoke is GPIO 36"),
        ({"sensors": {"smoke": {"contact_pin": 39}}}, "contact_pin of sensors.smoke is GPIO 39"),
        ({"sensors": {"smoke": {"contact2_pin": 36}}}, "contact2_pin of sensors.smoke is"),
        ({"sensors": {"smoke": {"silence_pin": 37}}}, "silence_pin of sensors.smoke is GPIO 37"),
        ({"sensors": {"flood": {"tx_pin": 38}}}, "tx_pin of sensors.flood is GPIO 38"),
        ({"sensors": {"flood": {"float_pin": 34}}}, "float_pin of sensors.flood is GPIO 34"),
        ({"led_pin": 36}, "led_pin of node.json is GPIO 36: 34 to 39 can only be read"),
    ):
        for keep in (True, False):
            try:
                check(_node(**changes), keep)
                problems = ()
            except ConfigError as error:
                problems = error.problems
            assert len(problems) == 1, changes
            assert told in problems[0], problems
    for de_pin in (34, 39):
        serial = {"uart": 1, "rx_pin": 36, "tx_pin": 5, "de_pin": de_pin}
        (problem,) = _problems(_serial_node(serial=serial))
        assert "de_pin of serial" in problem, problem


def test_gpio_34_to_39_measure_and_listen() -> None:
    smoke = {"adc_pin": 34, "loop_pin": 39, "siren_pin": -1}
    check(_node(sensors={"smoke": smoke, "flood": {"rx_pin": 36}}, supply_pin=37))
    # What is not wired may say anything.
    check(_node(sensors={"flood": {"driver": "current", "tx_pin": 36}}))


def test_jitter_takes_a_quarter_at_most() -> None:
    for number in (0, 1, 250, 251, 0xFFFFFFFF):
        wait_ms = Backoff(1000, 30000, lambda number=number: number).wait_ms()
        assert 750 <= wait_ms <= 1000


def _serial_node(**changes):
    document = {
        "v": 1,
        "serial": {"uart": 1, "rx_pin": 4, "tx_pin": 5},
        "sensors": {"flood": {"uart": 2}},
    }
    document.update(changes)
    return document


def test_a_serial_link_stands_instead_of_wi_fi_and_broker() -> None:
    settings = check(_serial_node())
    assert settings["serial"] == {
        "uart": 1, "rx_pin": 4, "tx_pin": 5, "de_pin": -1, "baud": 115200,
    }  # fmt: skip
    assert "wifi" not in settings
    problems = _problems(_serial_node(wifi=[{"ssid": "x"}], broker={"host": "10.0.0.1"}))
    assert len(problems) == 2
    assert "serial and wifi cannot both be" in problems[0]


def test_mistakes_of_a_serial_link_are_named() -> None:
    for serial, part in (
        ({"uart": 0, "rx_pin": 4, "tx_pin": 5}, "uart is 0"),
        ({"uart": 1, "tx_pin": 5}, "rx_pin is missing"),
        ({"uart": 1, "rx_pin": 4, "tx_pin": 5, "baud": 300}, "baud is 300"),
        ({"uart": 1, "rx_pin": 4, "tx_pin": -1}, "tx_pin is -1"),
        ({"uart": 2, "rx_pin": 4, "tx_pin": 5}, "uart 2 is uart of sensors.flood and uart of"),
        (7, "serial must be an object"),
    ):
        assert part in _problems(_serial_node(serial=serial))[0], serial
