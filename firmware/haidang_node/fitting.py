"""Which sensors node.json asks for, wired to the hardware; only those are loaded."""

from micropython import const

from haidang_node.hal import esp32
from haidang_node.loading import call, load

# A burst of 1 KB covers 60 sniffer frames, more than come between two samplings.
_SNIFFER_BUFFER_BYTES = const(1024)
_SNIFFER_BAUD = const(115200)
_ULTRASONIC_BUFFER_BYTES = const(256)
_ULTRASONIC_BAUD = const(9600)
# Meters that share a module; the others have one of their own name.
_MODULES = {"aj_sr04m": "jsn_sr04t", "current": "transducer", "voltage": "transducer"}


def sensors(settings: dict, supply_pin: int = -1) -> list:
    """The sensors of the checked `sensors` table; `supply_pin` measures the 5 V, -1: none does."""
    fitted = []
    # The others correct themselves by the air; None where nothing measures it.
    air = None
    if "env" in settings:
        air = _env(settings["env"])
        fitted.append(air)
    if "smoke" in settings:
        fitted.append(_smoke(settings["smoke"], air, supply_pin))
    if "flood" in settings:
        fitted.append(_flood(settings["flood"], air))
    if "footfall" in settings:
        fitted.append(_footfall(settings["footfall"]))
    return fitted


def _env(settings: dict):
    from haidang_node.sensors.env import Env

    # The driver's module has the name of the part.
    driver = load("haidang_node.sensors.drivers." + settings["driver"])
    kind = "wire" if settings["driver"] == "dht22" else "bus"
    line, pins = call("haidang_node.hal.i2c", kind, settings)
    return Env(settings, driver.Driver(line), pins)


def _smoke(settings: dict, air, supply_pin: int):
    from haidang_node.sensors.smoke import Smoke

    pins = [pin for pin in (settings["contact_pin"], settings["contact2_pin"]) if pin >= 0]
    contact = esp32.contact(*pins) if pins else None
    loop = None
    if settings["loop_pin"] >= 0:
        from haidang_node.sensors.contact_loop import ContactLoop

        loop = ContactLoop(esp32.millivolts(settings["loop_pin"]), contact)
        contact = loop.closed
    siren_pin, silence_pin = settings["siren_pin"], settings["silence_pin"]
    return Smoke(
        settings,
        esp32.millivolts(settings["adc_pin"]),
        contact,
        esp32.output(siren_pin) if siren_pin >= 0 else None,
        air,
        esp32.millivolts(supply_pin) if supply_pin >= 0 else None,
        esp32.contact(silence_pin) if silence_pin >= 0 else None,
        loop,
        *call("haidang_node.sensors.smoke_kept", "restore", settings["r0_ohm"]),
    )


def _flood(settings: dict, air):
    float_pin = settings["float_pin"]
    closed = esp32.contact(float_pin) if float_pin >= 0 else None
    if settings["driver"] == "float":
        from haidang_node.sensors.flood_float import FloatAlone

        return FloatAlone(settings, closed)
    storage = esp32.Storage()
    try:
        last = storage.get("flood_mm"), storage.get("flood_trim")
    except OSError:
        # The dry street is found anew.
        last = None, None
    parts = settings, _meter(settings), air, None if None in last else last, storage
    if closed:
        from haidang_node.sensors.flood_float import FloodAndFloat

        return FloodAndFloat(closed, *parts)
    from haidang_node.sensors.flood import Flood

    return Flood(*parts)


def _meter(settings: dict):
    name = settings["driver"]
    driver = load("haidang_node.sensors.drivers." + _MODULES.get(name, name))
    if name in ("current", "voltage"):
        return driver.make(settings, esp32.millivolts(settings["adc_pin"]))
    if name == "jsn_pulse":
        from haidang_node.hal.pulses import echo

        return driver.make(settings, echo(settings["tx_pin"], settings["rx_pin"]))
    from haidang_node.hal.uarts import listener

    read, write = listener(
        settings["uart"],
        _ULTRASONIC_BAUD,
        settings["rx_pin"],
        settings["tx_pin"],
        _ULTRASONIC_BUFFER_BYTES,
    )
    return driver.make(settings, read, write)


def _footfall(settings: dict):
    from haidang_node.sensors.footfall import Footfall

    source = settings["source"]
    if source == "sniffer":
        from haidang_node.hal.uarts import listener

        read, _ = listener(
            settings["uart"], _SNIFFER_BAUD, settings["rx_pin"], -1, _SNIFFER_BUFFER_BYTES
        )
    else:
        from haidang_node.hal import phones

        read = getattr(phones, source)(settings)
    return Footfall(settings, read)
