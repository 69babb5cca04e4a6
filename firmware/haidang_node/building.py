"""A node's parts made and opened: loaded at the start, then forgotten."""

import asyncio

from haidang_node import loading, log
from haidang_node.hal import esp32
from haidang_node.health import Health
from haidang_node.identity import Identity
from haidang_node.lamp import Lamp
from haidang_node.ledger import Ledger
from haidang_node.orders import PATH, Orders
from haidang_node.outbox import Outbox
from haidang_node.reporter import Reporter
from haidang_node.status import Status

_FOLDER = "/outbox"
_LOG = log.Log("node")


def parts(node, settings: dict, told: dict, act) -> tuple:
    """Everything of a Node that has a name, a clock, a link and a supervisor, in its order.

    `act` executes commands, see Orders.
    """
    link = node.link
    wake = asyncio.Event()
    identity = Identity(esp32.Storage(), esp32.random_32)
    ledger = Ledger(_FOLDER + "/ledger")
    outbox = Outbox(_FOLDER, settings["outbox"]["bytes"], ledger)
    # Taken out: nobody needs the table any more.
    fitted = settings.pop("sensors")
    supply = settings["supply_pin"]
    sensors = loading.call("haidang_node.fitting", "sensors", fitted, supply)
    reporter = Reporter(
        node.name, node.clock, identity, outbox, ledger, sensors, wake, link.encode_pack
    )
    health = Health(
        esp32.free_bytes,
        link.rssi_dbm,
        esp32.millivolts(supply) if supply >= 0 else None,
        (settings["supply_low_mv"], settings["supply_high_mv"]),
    )
    orders = Orders(PATH, act, node.clock)
    status = Status(
        identity,
        outbox,
        ledger,
        settings["heartbeat_s"],
        sorted(fitted),
        esp32.reset_reason(),
        told,
    )
    link.attach(outbox, status, orders, wake)
    led_pin = settings["led_pin"]
    led = esp32.output(led_pin) if led_pin >= 0 else None
    lamp = Lamp(led, sensors, link, node.supervisor.turned)
    return identity, ledger, outbox, sensors, reporter, health, orders, status, lamp


def begin(name: str, identity, ledger, outbox, orders) -> None:
    """Opens what earlier boots kept, and begins the next one."""
    ended = identity.ended()
    ledger.open()
    outbox.open(ended)
    identity.begin()
    orders.open()
    _LOG.info(
        "%s, epoch %s, boot %d, %s, %d packs held",
        name,
        identity.epoch,
        identity.boot,
        esp32.reset_reason(),
        outbox.count(),
    )
