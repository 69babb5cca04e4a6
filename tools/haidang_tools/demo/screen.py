"""The demo's screen: one table of the city, one of the alarms, drawn from a `CityView`."""

from dataclasses import dataclass
from datetime import datetime

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from haidang_tools.demo.view import AlarmRow, CityView, NodeRow

_HAZARD_STYLE = {"fire": "bold red", "flood": "bold blue", "crowd": "bold magenta"}
_ALARMS_SHOWN = 12
_SILENT_AFTER_MS = 15_000


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the screen shows beside the centre's view: names, the link and the camera's source."""

    names: dict[str, str]
    camera: str
    link_up: bool
    scenario: str


def render(view: CityView, around: Surroundings, now_ms: int) -> RenderableType:
    """The whole screen at `now_ms`."""
    return Group(
        Panel(_city(view, around, now_ms), title="Hải Đăng · Haidang", border_style="cyan"),
        Panel(_alarms(view.alarms), title="Cảnh báo tới trung tâm · Alarms at the centre"),
        Text(around.scenario, style="dim"),
    )


def headline(row: AlarmRow) -> Text:
    """One alarm revision as a line, Vietnamese first."""
    style = _HAZARD_STYLE.get(row.hazard, "bold yellow")
    return Text.assemble((row.headline_vi, style), "  ", (row.headline_en, "dim"))


def _city(view: CityView, around: Surroundings, now_ms: int) -> Table:
    table = Table(expand=True, box=None)
    for title in ("Thiết bị · Part", "Trạng thái · State", "Số đo · Values", "Gói · Packs"):
        table.add_column(title)
    for node, name in around.names.items():
        row = view.nodes.get(node, NodeRow(node))
        table.add_row(name, _node_state(row, now_ms), _values(row), str(row.packs))
    gateway = view.gateway
    up = gateway.get("cameras_up", 0)
    state = Text("đang xem · watching", "green") if up else Text("chờ · waiting", "yellow")
    table.add_row("camera", state, around.camera, "")
    link = Text("thông · up", "green") if around.link_up else Text("ĐỨT · CUT", "bold red")
    queue = f"hàng đợi · queue {gateway.get('queue', '-')}"
    table.add_row("đường lên · uplink", link, queue, str(view.packs))
    return table


def _node_state(row: NodeRow, now_ms: int) -> Text:
    if not row.heard_ms:
        return Text("chờ · waiting", "yellow")
    if now_ms - row.heard_ms > _SILENT_AFTER_MS:
        return Text(f"im lặng · silent {(now_ms - row.heard_ms) // 1000} s", "bold yellow")
    states = [value for name, value in row.values.items() if name.endswith("/state")]
    return Text(states[0] if states else "ok", "green" if states in ([], ["normal"]) else "red")


def _values(row: NodeRow) -> str:
    shown = {name: value for name, value in row.values.items() if not name.endswith("/state")}
    return "  ".join(f"{name.split('/')[1]} {value}" for name, value in shown.items())


def _alarms(rows: list[AlarmRow]) -> Table:
    table = Table(expand=True, box=None)
    table.add_column("lúc · at")
    table.add_column("rev", justify="right")
    table.add_column("")
    table.add_column("độ trễ · delay", justify="right", no_wrap=True)
    for row in rows[-_ALARMS_SHOWN:]:
        at = datetime.fromtimestamp(row.received_ms / 1000).astimezone().strftime("%H:%M:%S")
        number = f"{row.alarm_id[-4:]}.{row.rev}"
        table.add_row(at, number, headline(row), f"{row.delay_ms} ms")
    if not rows:
        table.add_row("", "", Text("chưa có · none yet", "dim"), "")
    return table
