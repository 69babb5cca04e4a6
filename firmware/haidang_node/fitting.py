"""Which sensors node.json asks for, wired to the hardware; only those are loaded."""

from micropython import const

from haidang_node.hal import esp32
from haidang_node.loading import load

# A burst of 1 KB covers 60 sniffer frames, more than come between two samplings.
_SNIFFER_BUFFER_BYTES = const(1024)
_SNIFFER_BAUD = const(115200)
_ULTRASONIC_BUFFER_BYTES = const(256)
_ULTRASONIC_BAUD = const(9600)


def sensors(settings: dict) -> list:
    """The sensors of the checked `sensors` table."""
    fitted = []
    # The others correct themselves by the air; None where nothing measures it.
    air = None
    if "env" in settings:
        air = _env(settings["env"])
        fitted.append(air)
    if "smoke" in settings:
        fitted.append(_smoke(settings["smoke"], air))
    if "flood" in settings:
        fitted.append(_flood(settings["flood"], air))
    if "footfall" in settings:
        fitted.append(_footfall(settings["footfall"]))
    return fitted


def _env(settings: dict):
    from haidang_node.sensors.env import Env

    # The driver's module has the name of the part.
    driver = load("haidang_node.sensors.drivers." + settings["driver"])
    return Env(settings, driver.make(settings))


def _smoke(settings: dict, air):
    from haidang_node.sensors.smoke import Smoke

    contact_pin = settings["contact_pin"]
    siren_pin = settings["siren_pin"]
    return Smoke(
        settings,
        esp32.millivolts(settings["adc_pin"]),
        esp32.contact(contact_pin) if contact_pin >= 0 else None,
        esp32.output(siren_pin) if siren_pin >= 0 else None,
        air,
    )


def _flood(settings: dict, air):
    from haidang_node.hal.uarts import listener
    from haidang_node.sensors.flood import Flood

    read = listener(
        settings["uart"],
        _ULTRASONIC_BAUD,
        settings["rx_pin"],
        settings["tx_pin"],
        _ULTRASONIC_BUFFER_BYTES,
    )
    return Flood(settings, read, air)


def _footfall(settings: dict):
    from haidang_node.sensors.footfall import Footfall

    source = settings["source"]
    if source == "sniffer":
        from haidang_node.hal.uarts import listener

        read = listener(
            settings["uart"], _SNIFFER_BAUD, settings["rx_pin"], -1, _SNIFFER_BUFFER_BYTES
        )
    else:
        from haidang_node.hal import phones

        read = getattr(phones, source)(settings)
    return Footfall(settings, read)
