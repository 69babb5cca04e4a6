"""The configuration's nodes and the windows of the alarm rules, out of their tables."""

from collections.abc import Callable
from pathlib import Path

from haidang_gateway.config_table import Table
from haidang_gateway.official_levels import STEPS
from haidang_gateway.settings import NodeSettings, RulesSettings, SerialSettings, Settings
from haidang_gateway.site import Level

NODE_ID = r"n-[0-9a-f]{12}"
# With "camera:" before it still within the 48 characters that an alarm's headline has for it.
WORD = r"[a-z0-9][a-z0-9-]{0,39}"


def node_of(table: Table) -> NodeSettings:
    """One node; every mistake goes to the table's problems."""
    levels = table.numbers("gauge_mm", (), count=3, low=1, high=100_000)
    table.text("gauge_document", "-", like="the decision that set the levels")
    node = NodeSettings(
        id=table.text("id", pattern=NODE_ID, like="a node id such as n-240ac4000001"),
        place=table.text("place", pattern=WORD, like="the id of a [[place]]"),
        heartbeat_s=table.whole("heartbeat_s", 30, low=5, high=86_400),
        gauge=tuple(
            Level(name=name, mm=int(mm), severity=severity)
            for (name, severity), mm in zip(STEPS, levels, strict=False)
        ),
        gauge_station=table.optional_text("gauge_station", pattern=WORD, like="a station's id"),
        gauge_zero_mm=table.whole("gauge_zero_mm", 0, low=-100_000, high=10_000_000),
        downstream=table.optional_text("downstream", pattern=NODE_ID, like="a node id"),
        travel_min=table.number("travel_min", 0.0, low=0, high=2880),
    )
    if node.downstream and not node.travel_min:
        table.problem("travel_min", "say how many minutes high water takes to `downstream`")
    table.done()
    return node


def serial_of(table: Table, base: Path) -> SerialSettings:
    """One serial port; every mistake goes to the table's problems."""
    serial = SerialSettings(
        device=table.text(
            "device", pattern=r"/.+", like="a path such as /dev/serial/by-id/usb-..."
        ),
        baud=table.whole("baud", 115_200, low=9600, high=921_600),
        nodes=table.words("nodes", pattern=NODE_ID, like="node ids"),
        keys=base / table.text("keys", ".", like="the folder with <node>.serial.key"),
    )
    if not serial.nodes:
        table.problem("nodes", "name the nodes on this line; nobody else is asked")
    table.done()
    return serial


def check_serial(settings: Settings, problem: Callable[[str, int, str, str], None]) -> None:
    """Each device and each wired node stands once, each such node is configured."""
    configured = {node.id for node in settings.nodes}
    devices: list[str] = []
    wired: list[str] = []
    for index, serial in enumerate(settings.serial):
        if serial.device in devices:
            problem("serial", index, "device", f"{serial.device} is given twice; remove one")
        devices.append(serial.device)
        for node in serial.nodes:
            if node in wired:
                problem("serial", index, "nodes", f"{node} is given twice; remove one")
            elif node not in configured:
                problem("serial", index, "nodes", f"there is no [[node]] {node}; add one")
            wired.append(node)


def rules_of(table: Table) -> RulesSettings:
    """The rules' windows; every mistake goes to the table's problems."""
    d = RulesSettings()
    rules = RulesSettings(
        smoke_verify_s=table.number("smoke_verify_s", d.smoke_verify_s, low=1, high=600),
        fusion_window_s=table.number("fusion_window_s", d.fusion_window_s, low=1, high=3600),
        flood_verify_s=table.number("flood_verify_s", d.flood_verify_s, low=1, high=3600),
        flood_hysteresis_mm=table.whole(
            "flood_hysteresis_mm", d.flood_hysteresis_mm, low=0, high=1000
        ),
        flood_lead_s=table.number("flood_lead_s", d.flood_lead_s, low=0, high=21_600),
        crowd_sustain_s=table.number("crowd_sustain_s", d.crowd_sustain_s, low=0, high=3600),
        crowd_hysteresis_pct=table.whole(
            "crowd_hysteresis_pct", d.crowd_hysteresis_pct, low=0, high=90
        ),
        crowd_lead_s=table.number("crowd_lead_s", d.crowd_lead_s, low=0, high=3600),
        report_hold_s=table.number("report_hold_s", d.report_hold_s, low=60, high=21_600),
    )
    table.done()
    return rules
