"""A real board: on a serial port alone, or with what a rig file describes around it."""

import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from haidang_board.world import smoke_uv

from rig import person
from rig.bench import (
    AIR_PROBE,
    CONTACT,
    FAST_TIME,
    LEVEL_FAULTS,
    LEVEL_UART,
    POWER,
    SIREN,
    SMOKE_ADC,
    SMOKE_FAULTS,
    SNIFFER,
    WIFI,
)
from rig.errors import BenchLacks
from rig.person import PersonSwitch
from rig.relay import RelaySwitch
from rig.rig_file import RigFile
from rig.stimulus import StimulusBoard
from rig.switches import CommandSwitch, HubPort, Switch, TasmotaPlug

# The node's own default: how high the level meter hangs above the street.
_MOUNT_MM = 3000
_BACK_S = 20.0
_LOOK_S = 0.05
_NOT_IN_FILE = "the rig file has no [{}]"
_NOBODY = "a person must do it, and nobody is at the terminal"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """How a board reaches this computer: its address and port, and the Wi-Fi between."""

    host: str
    broker_port: int | None
    ssid: str
    key: str


@dataclass(frozen=True, slots=True)
class Supply:
    """A switch, and how long `off` must last so that what it feeds is truly off."""

    switch: Switch
    off_s: float


class RealBench:
    """A board at `port`; whatever is None is lacking, for the reason in `reasons`."""

    def __init__(
        self,
        name: str,
        port: str,
        around: Surroundings,
        reasons: Mapping[str, str],
        *,
        power: Supply | None = None,
        wifi: Supply | None = None,
        stimulus: Mapping[str, Any] | None = None,
    ) -> None:
        """Keep the arguments; `stimulus` is that table of the rig file."""
        self.name = name
        self.port = port
        self.host = around.host
        self.broker_port = around.broker_port
        self.ssid = around.ssid
        self.key = around.key
        self.attended = power is None or power.switch.attended
        self._power = power
        self._wifi = wifi
        self._pins: Mapping[str, Any] = stimulus or {}
        self._stimulus: StimulusBoard | None = None
        self._open = contextlib.ExitStack()
        self._is_on = {POWER: True, WIFI: True}
        self.lacks: Mapping[str, str] = {**self._missing(reasons)}

    def open(self, folder: Path) -> None:
        """Start the stimulus board; the board under test gets power."""
        if self._pins:
            self._stimulus = self._open.enter_context(StimulusBoard(self._pins["port"]))
        if self._power is not None and not self._power.switch.attended:
            self.set_power(True)

    def close(self) -> None:
        """Let go of the stimulus board; the power stays on."""
        self._open.close()

    def rest(self) -> None:
        """Undo what was changed."""
        if SMOKE_ADC not in self.lacks:
            self.set_smoke_ppm(0)
        if CONTACT not in self.lacks:
            self.set_contact(False)
        if LEVEL_UART not in self.lacks:
            self.set_water_mm(0)
        if not self._is_on[WIFI]:
            self.set_wifi(True)
        if not self._is_on[POWER]:
            self.set_power(True)

    def set_power(self, on: bool) -> None:
        """Switch, wait for capacitors to empty, or for the port to come back."""
        self._switch(POWER, self._power, on)
        if on:
            self._await_port()

    def set_wifi(self, up: bool) -> None:
        """Switch the access point; it needs its own time to come up."""
        self._switch(WIFI, self._wifi, up)

    def set_smoke_ppm(self, ppm: float) -> None:
        """The voltage an MQ-2 behind its divider would give, from the DAC."""
        self._driven(SMOKE_ADC).set_voltage(self._pins["smoke_dac_pin"], smoke_uv(ppm))

    def break_smoke(self, fault: str) -> None:
        """A DAC's voltage always has the ADC's noise, and nobody plays the supply."""
        raise BenchLacks(self.lacks[SMOKE_FAULTS])

    def press_silence(self, down: bool) -> None:
        """No wire leads to a button."""
        raise BenchLacks(self.lacks[SIREN])

    def siren_turns(self) -> int:
        """No wire comes from the siren."""
        raise BenchLacks(self.lacks[SIREN])

    def set_contact(self, closed: bool) -> None:
        """A wire is pulled to ground or let go; a relay's coil is driven."""
        stimulus, pin = self._driven(CONTACT), self._pins["contact_pin"]
        if self._pins["contact_by"] == "relay":
            stimulus.set_line(pin, 1 if closed else 0)
        else:
            stimulus.set_line(pin, 0 if closed else None)

    def set_water_mm(self, mm: int) -> None:
        """An A02YYUW's frames at the node's UART."""
        stimulus = self._driven(LEVEL_UART)
        stimulus.set_distance_mm(self._pins["level_tx_pin"], _MOUNT_MM - mm)

    def set_meter(self, make: str) -> None:
        """The stimulus board plays an A02YYUW alone."""
        raise BenchLacks(self.lacks[LEVEL_FAULTS])

    def break_meter(self, fault: str) -> None:
        """Neither can it break one."""
        raise BenchLacks(self.lacks[LEVEL_FAULTS])

    def set_float(self, up: bool) -> None:
        """No wire leads to a float."""
        raise BenchLacks(self.lacks[LEVEL_FAULTS])

    def set_air(self, temp_c: float, humidity_pct: float) -> None:
        """No stimulus board can play a chip on an I2C bus."""
        raise BenchLacks(self.lacks[AIR_PROBE])

    def break_air_probe(self, fault: str) -> None:
        """Neither can it break one."""
        raise BenchLacks(self.lacks[AIR_PROBE])

    def set_phones(self, staying: int, scan_s: float, window_s: float) -> None:
        """No stimulus board can play a crowd."""
        raise BenchLacks(self.lacks[SNIFFER])

    def break_sniffer(self, fault: str) -> None:
        """Nor its sniffer."""
        raise BenchLacks(self.lacks[SNIFFER])

    def set_fast(self, on: bool) -> None:
        """A real board has one pace."""

    def pass_time(self, ms: int) -> None:
        """Real time passes as it does."""
        time.sleep(ms / 1000)

    def _missing(self, reasons: Mapping[str, str]) -> dict[str, str]:
        present = {
            POWER: self._power is not None,
            WIFI: self._wifi is not None,
            SMOKE_ADC: "smoke_dac_pin" in self._pins,
            CONTACT: "contact_pin" in self._pins,
            LEVEL_UART: "level_tx_pin" in self._pins,
        }
        lacks = {name: reasons[name] for name, there in present.items() if not there}
        lacks[SNIFFER] = "a stimulus board cannot play a crowd of phones and its sniffer"
        lacks[AIR_PROBE] = "a stimulus board cannot play a thermometer chip"
        lacks[LEVEL_FAULTS] = "the stimulus board plays one whole A02YYUW, no other meter or float"
        lacks[SMOKE_FAULTS] = "a stimulus board cannot break an MQ-2 or its supply"
        lacks[SIREN] = "the stimulus board is not wired to siren and button"
        return {**lacks, FAST_TIME: "an hour of a real board takes an hour"}

    def _driven(self, capability: str) -> StimulusBoard:
        if capability in self.lacks or self._stimulus is None:
            raise BenchLacks(self.lacks.get(capability, "the bench is not open"))
        return self._stimulus

    def _switch(self, capability: str, supply: Supply | None, on: bool) -> None:
        if supply is None:
            raise BenchLacks(self.lacks[capability])
        supply.switch.set(on)
        self._is_on[capability] = on
        if not on:
            time.sleep(supply.off_s)

    def _await_port(self) -> None:
        deadline_s = time.monotonic() + _BACK_S
        while not Path(self.port).exists():
            if time.monotonic() > deadline_s:
                raise BenchLacks(
                    f"{self.port} did not come back {_BACK_S:.0f} s after power-on; name it by "
                    f"/dev/serial/by-id, whose names stay"
                )
            time.sleep(_LOOK_S)


def board_alone(port: str, around: Surroundings) -> RealBench:
    """A board on its cable and nothing else."""
    reasons = {
        POWER: "a serial port cannot cut the board's power",
        WIFI: "this bench cannot switch the Wi-Fi access point off",
        SMOKE_ADC: "nothing on this bench drives the smoke sensor's ADC pin",
        CONTACT: "nothing on this bench closes the smoke detector's contact",
        LEVEL_UART: "nothing on this bench speaks for the level meter",
    }
    return RealBench(f"board at {port}", port, around, reasons)


def full_rig(
    rig: RigFile, *, unattended: bool = False, terminal: Path = person.TERMINAL
) -> RealBench:
    """The bench that a rig file describes; without a person what needs one is lacking."""
    nobody = unattended or not person.present(terminal)
    reasons = {
        **{name: _reason(getattr(rig, name), name) for name in (POWER, WIFI)},
        SMOKE_ADC: "the rig file's [stimulus] has no smoke_dac_pin",
        CONTACT: "the rig file's [stimulus] has no contact_pin",
        LEVEL_UART: "the rig file's [stimulus] has no level_tx_pin",
    }
    network = rig.network
    return RealBench(
        f"{rig.board['name']}, board at {rig.board['port']}",
        rig.board["port"],
        Surroundings(
            network["broker_host"],
            network["broker_port"] or None,
            network["ssid"],
            network.get("key", ""),
        ),
        reasons,
        power=_supply(rig.power, "the board's power", terminal, nobody),
        wifi=_supply(rig.wifi, "the Wi-Fi access point", terminal, nobody),
        stimulus=rig.stimulus,
    )


def _reason(table: Mapping[str, Any] | None, name: str) -> str:
    return _NOT_IN_FILE.format(name) if table is None else _NOBODY


def _supply(
    table: Mapping[str, Any] | None, what: str, terminal: Path, nobody: bool
) -> Supply | None:
    if table is None or (table["kind"] == "person" and nobody):
        return None
    return Supply(_made(table, what, terminal), table["off_s"])


def _made(table: Mapping[str, Any], what: str, terminal: Path) -> Switch:
    kind = table["kind"]
    if kind == "usb-hub":
        return HubPort(table["location"], table["port"], table["program"])
    if kind == "usb-relay":
        return RelaySwitch(table["port"], table["channel"], inverted=table["inverted"])
    if kind == "tasmota":
        password = table.get("password", "")
        return TasmotaPlug(table["url"], table["socket"], table["user"], password)
    if kind == "command":
        return CommandSwitch(table["on"], table["off"])
    return PersonSwitch(what, table["timeout_s"], terminal)
