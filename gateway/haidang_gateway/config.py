"""Reads the gateway's TOML file into settings; tells every mistake at once, with its line."""

import argparse
import tomllib
import zoneinfo
from pathlib import Path
from typing import Any

from haidang_gateway.config_cameras import camera_of, evidence_of, vision_of
from haidang_gateway.config_destinations import AUTHORITY, HOST, centre_of, clashes, destination_of
from haidang_gateway.config_nodes import WORD, check_serial, node_of, rules_of, serial_of
from haidang_gateway.config_table import Lines, Table
from haidang_gateway.errors import ConfigError
from haidang_gateway.settings import (
    BrokerSettings,
    CameraSettings,
    Settings,
    StoreSettings,
)
from haidang_gateway.site import Place

_SINGLE = (
    *("gateway", "broker", "centre", "rules", "levels", "models", "evidence", "store", "metrics"),
)
_REPEATED = ("destination", "place", "node", "serial", "camera")
_GATEWAY_ID = r"gw-[a-z0-9][a-z0-9-]{0,28}"
# The alarms' limit (alarms/engine.py): two names must fit a headline.
_NAME = r".{1,80}"
# A thousandth of the picture: less holds nobody.
_LEAST_ZONE = 1e-3


def add_config(parser: argparse.ArgumentParser, default: Path) -> None:
    """The option --config of a command."""
    text = "the gateway's configuration (%(default)s)"
    parser.add_argument("--config", type=Path, default=default, metavar="FILE", help=text)


def load(path: Path) -> Settings:
    """Read and check the whole file; raise ConfigError with one sentence for each mistake."""
    try:
        text = path.read_text(encoding="utf-8-sig")  # editors on Windows put a mark first
        document = tomllib.loads(text)
    except OSError as error:
        raise ConfigError(
            (f"{path}: cannot be read: {error.strerror}; check the path",)
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError((f"{path}: is no text in UTF-8; save it as such",)) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError((f"{path}: is not valid TOML: {error}; repair that line",)) from error
    reader = _Reader(path, text, document)
    settings = reader.settings()
    if reader.problems:
        raise ConfigError(tuple(reader.problems))
    return settings


class _Reader:
    """One reading of one file; collects the problems of all tables."""

    def __init__(self, path: Path, text: str, document: dict[str, Any]) -> None:
        self.problems: list[str] = []
        self._base = path.resolve().parent
        self._lines = Lines(path.name, text)
        self._document = document

    def settings(self) -> Settings:
        self._refuse_unknown_tables()
        gateway = self._single("gateway")
        models, metrics = self._single("models"), self._single("metrics")
        places = tuple(self._place(table) for table in self._repeated("place"))
        first = (places[0].id if places else "") or "-"
        name = gateway.text("id", pattern=_GATEWAY_ID, like="a name such as gw-01")
        sender = name or "-"
        settings = Settings(
            id=name,
            timezone=self._timezone(gateway),
            data_dir=self._base / gateway.text("data_dir", "/var/lib/haidang", like="a folder"),
            place=gateway.text("place", first, pattern=WORD, like="the id of a [[place]]")
            if first != "-"
            else None,
            broker=self._broker(),
            centre=centre_of(self._single("centre"), self._base, sender),
            destinations=tuple(
                destination_of(table, self._base, sender)
                for table in self._repeated("destination")
            ),
            places=places,
            nodes=tuple(node_of(table) for table in self._repeated("node")),
            serial=tuple(serial_of(table, self._base) for table in self._repeated("serial")),
            cameras=tuple(camera_of(table) for table in self._repeated("camera")),
            rules=rules_of(self._single("rules")),
            level_keys=self._level_keys(),
            models_dir=self._base
            / models.text("dir", "/usr/share/haidang/models", like="a folder"),
            vision=vision_of(models),
            evidence=evidence_of(self._single("evidence"), self._base),
            store=self._store(),
            metrics_port=metrics.whole("port", 0, low=0, high=65535),
        )
        gateway.done()
        models.done()
        metrics.done()
        self._cross_check(settings)
        return settings

    def _broker(self) -> BrokerSettings:
        table = self._single("broker")
        broker = BrokerSettings(
            host=table.text("host", "localhost", pattern=HOST, like="a host name"),
            port=table.whole("port", 8883, low=1, high=65535),
            server_name=table.text(
                "server_name", "gateway.local", pattern=HOST, like="the certificate's name"
            ),
            ca=table.file("ca", base=self._base, remedy=AUTHORITY),
            cert=table.file("cert", base=self._base),
            key=table.file("key", base=self._base, secret=True),
            cert_alarm=table.file("cert_alarm", base=self._base),
            key_alarm=table.file("key_alarm", base=self._base, secret=True),
        )
        table.done()
        return broker

    def _level_keys(self) -> tuple[Path, ...]:
        table = self._single("levels")
        keys = table.words("keys", pattern=r".+", like="paths of public keys")
        table.done()
        return tuple(self._base / key for key in keys)

    def _store(self) -> StoreSettings:
        table, d = self._single("store"), StoreSettings()
        store = StoreSettings(
            max_mb=table.whole("max_mb", d.max_mb, low=16, high=1_000_000),
            reserve_mb=table.whole("reserve_mb", d.reserve_mb, low=0, high=1_000_000),
            keep_packs=table.whole("keep_packs", d.keep_packs, low=1000, high=100_000_000),
            raw_days=table.whole("raw_days", d.raw_days, low=1, high=3660),
            minute_days=table.whole("minute_days", d.minute_days, low=1, high=3660),
            hour_days=table.whole("hour_days", d.hour_days, low=1, high=36_600),
            ledger_days=table.whole("ledger_days", d.ledger_days, low=1, high=36_600),
            telemetry_commit_ms=table.whole(
                "telemetry_commit_ms", d.telemetry_commit_ms, low=10, high=10_000
            ),
        )
        table.done()
        return store

    def _place(self, table: Table) -> Place:
        name = table.text("name", pattern=_NAME, like="at most 80 characters for operators")
        place = Place(
            id=table.text("id", pattern=WORD, like="a short name such as market-3"),
            name=name,
            name_en=table.text(
                "name_en", name or "-", pattern=_NAME, like="at most 80 characters in English"
            ),
            lat=table.number("lat", low=-90, high=90),
            lon=table.number("lon", low=-180, high=180),
            radius_m=table.whole("radius_m", 50, low=1, high=50_000),
        )
        table.done()
        return place

    def _timezone(self, table: Table) -> str:
        name = table.text("timezone", "Asia/Ho_Chi_Minh", like="a name such as Asia/Ho_Chi_Minh")
        try:
            zoneinfo.ZoneInfo(name)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError):
            table.problem(
                "timezone", f"{name} is not a known zone; see `timedatectl list-timezones`"
            )
        return name

    def _cross_check(self, settings: Settings) -> None:
        self._refuse_twice("place", [place.id for place in settings.places])
        self._refuse_twice("node", [node.id for node in settings.nodes])
        self._refuse_twice("camera", [camera.id for camera in settings.cameras])
        for index, key, what in clashes(settings.centre, settings.destinations):
            self._problem("destination", index, key, what)
        known = {place.id for place in settings.places}
        if settings.place:
            self._need_places("gateway", [settings.place], known)
        self._need_places("node", [node.place for node in settings.nodes], known)
        self._need_places("camera", [camera.place for camera in settings.cameras], known)
        check_serial(settings, self._problem)
        nodes = {node.id for node in settings.nodes}
        for index, node in enumerate(settings.nodes):
            if node.downstream and node.downstream not in nodes - {node.id}:
                what = f"there is no other [[node]] {node.downstream}; add one"
                self._problem("node", index, "downstream", what)
        for index, camera in enumerate(settings.cameras):
            self._measure_zone(index, camera)

    def _measure_zone(self, index: int, camera: CameraSettings) -> None:
        # numpy: without cameras, a gateway starts in half the time and memory without it.
        from haidang_gateway.vision.ground import polygon_area  # noqa: PLC0415
        from haidang_gateway.vision.posts import zone_area_m2  # noqa: PLC0415

        if camera.zone and polygon_area(camera.zone) < _LEAST_ZONE:
            self._problem("camera", index, "zone", "encloses no area; write its corners in order")
            return
        try:
            zone_area_m2(camera)
        except ConfigError as error:
            self._problem("camera", index, "ground_picture", str(error).removeprefix("ground: "))

    def _refuse_twice(self, table: str, ids: list[str]) -> None:
        for index, name in enumerate(ids):
            if name and name in ids[:index]:
                self._problem(table, index, "id", f"{name} is given twice; remove one")

    def _need_places(self, table: str, wanted: list[str], known: set[str]) -> None:
        for index, name in enumerate(wanted):
            if name and name not in known:
                self._problem(table, index, "place", f"there is no [[place]] {name}; add one")

    def _problem(self, table: str, index: int, key: str, what: str) -> None:
        self.problems.append(f"{self._lines.place(table, index, key)}: {key}: {what}")

    def _refuse_unknown_tables(self) -> None:
        for name in self._document:
            if name not in _SINGLE + _REPEATED:
                known = ", ".join(_SINGLE + _REPEATED)
                self._problem(name, 0, name, f"unknown table; the known ones are {known}")

    def _single(self, name: str) -> Table:
        values = self._document.get(name, {})
        if not isinstance(values, dict):
            self._problem(name, 0, name, f"write it as a table: [{name}]")
            values = {}
        return Table(self._lines, self.problems, values, name)

    def _repeated(self, name: str) -> list[Table]:
        rows = self._document.get(name, [])
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            self._problem(name, 0, name, f"write it with double brackets: [[{name}]]")
            return []
        return [
            Table(self._lines, self.problems, row, name, index) for index, row in enumerate(rows)
        ]
