"""The board's modules against the published stubs of the ESP32 port: names and parameters."""

import ast
from importlib import metadata
from pathlib import Path

import haidang_board
import pytest

BOARD = Path(haidang_board.__file__).parent
MODULES = {
    "machine": ("rom_machine", "rom_pins", "rom_uart", "rom_extra", "rom_events"),
    "network": ("rom_network",),
    "esp32": ("rom_esp32",),
    "neopixel": ("rom_neopixel",),
    "time": ("rom_time",),
}
# What firmware may count on; also in the stubs, as the first test shows.
REQUIRED = {
    "machine": {
        "Pin.init",
        "Pin.value",
        "Pin.on",
        "Pin.off",
        "Pin.toggle",
        "Pin.irq",
        "Pin.IN",
        "Pin.OUT",
        "Pin.PULL_UP",
        "Pin.PULL_DOWN",
        "Pin.IRQ_RISING",
        "Pin.IRQ_FALLING",
        "ADC.read_uv",
        "ADC.read_u16",
        "ADC.atten",
        "ADC.ATTN_11DB",
        "UART.init",
        "UART.any",
        "UART.read",
        "UART.readinto",
        "UART.readline",
        "UART.write",
        "UART.deinit",
        "WDT.feed",
        "RTC.datetime",
        "RTC.memory",
        "PWM.freq",
        "PWM.duty_u16",
        "PWM.deinit",
        "Timer.init",
        "Timer.deinit",
        "unique_id",
        "reset",
        "reset_cause",
        "deepsleep",
        "soft_reset",
        "freq",
        "PWRON_RESET",
        "HARD_RESET",
        "WDT_RESET",
        "DEEPSLEEP_RESET",
        "SOFT_RESET",
    },
    "network": {
        "WLAN.active",
        "WLAN.connect",
        "WLAN.disconnect",
        "WLAN.isconnected",
        "WLAN.status",
        "WLAN.ifconfig",
        "WLAN.config",
        "STA_IF",
        "AP_IF",
        "STAT_IDLE",
        "STAT_CONNECTING",
        "STAT_GOT_IP",
        "STAT_NO_AP_FOUND",
        "STAT_WRONG_PASSWORD",
        "hostname",
    },
    "esp32": {
        "NVS.get_i32",
        "NVS.set_i32",
        "NVS.get_blob",
        "NVS.set_blob",
        "NVS.erase_key",
        "NVS.commit",
        "idf_heap_info",
        "raw_temperature",
        "HEAP_DATA",
        "HEAP_EXEC",
    },
    "neopixel": {"NeoPixel.fill", "NeoPixel.write"},
    "time": {"time", "gmtime", "mktime", "sleep", "sleep_ms", "ticks_ms", "ticks_diff"},
}
# How select and asyncio find a stream; the stubs do not describe the native protocol.
STREAM_PROTOCOL = {"UART.ioctl"}
# For the ROM itself.
NOT_SHOWN = {"listen_edge", "attach"}

Names = dict[str, list[ast.FunctionDef] | None]


def names_of(tree: ast.Module) -> Names:
    """Public names, with `Class.name` for members; functions with all their overloads."""
    found: Names = {}
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            found[node.name] = None
            for member in node.body:
                collect(member, found, node.name + ".")
        else:
            collect(node, found, "")
    return found


def collect(node: ast.stmt, found: Names, prefix: str) -> None:
    if isinstance(node, ast.FunctionDef):
        overloads = found.setdefault(prefix + node.name, [])
        if overloads is not None:
            overloads.append(node)
    elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        found[prefix + node.target.id] = None
    elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        found[prefix + node.targets[0].id] = None
    elif isinstance(node, ast.If):
        for part in node.body:
            collect(part, found, prefix)


def public(name: str) -> bool:
    last = name.rsplit(".", maxsplit=1)[-1]
    return not last.startswith("_") or last == "__init__"


def board_names(module: str) -> Names:
    found: Names = {}
    for file in MODULES[module]:
        found |= names_of(ast.parse((BOARD / f"{file}.py").read_text()))
    return {name: node for name, node in found.items() if public(name) and name not in NOT_SHOWN}


def stub_names(module: str) -> Names:
    files = metadata.files("micropython-esp32-stubs") or []
    path = next(file for file in files if file.name == f"{module}.pyi")
    return names_of(ast.parse(Path(str(path.locate())).read_text()))


def mistakes(ours: ast.FunctionDef, stubs: list[ast.FunctionDef]) -> list[str]:
    """Why calls written after the stubs would not reach our function, or the other way round."""
    known = {a.arg for stub in stubs for a in arguments(stub)}
    open_ended = any(stub.args.kwarg or stub.args.vararg for stub in stubs)
    required = len(ours.args.args) - len(ours.args.defaults)
    most = max(len(stub.args.posonlyargs + stub.args.args) for stub in stubs)
    found = [
        f"unknown parameter {argument.arg}"
        for argument in arguments(ours)
        if argument.arg not in known and not open_ended
    ]
    if required > most and not open_ended:
        found.append(f"{required} required parameters, the stub takes {most}")
    for stub in stubs:
        needed = len(stub.args.posonlyargs + stub.args.args) - len(stub.args.defaults)
        if needed > len(ours.args.args) and ours.args.vararg is None:
            found.append(f"takes too few positional parameters for {ast.unparse(stub.args)}")
    return found


def arguments(function: ast.FunctionDef) -> list[ast.arg]:
    return function.args.posonlyargs + function.args.args + function.args.kwonlyargs


@pytest.mark.parametrize("module", MODULES)
def test_every_name_of_the_board_exists_on_an_esp32_with_compatible_parameters(
    module: str,
) -> None:
    stubs = stub_names(module)
    problems = []
    for name, functions in board_names(module).items():
        if name in STREAM_PROTOCOL:
            continue
        if name not in stubs:
            problems.append(f"{module}.{name} does not exist on the ESP32")
        elif functions and stubs[name]:
            wrong = mistakes(functions[0], stubs[name] or [])
            problems += [f"{module}.{name}: {mistake}" for mistake in wrong]
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("module", MODULES)
def test_the_board_has_what_firmware_counts_on(module: str) -> None:
    assert REQUIRED[module] - set(board_names(module)) == set()


def test_a_wrong_parameter_name_is_found() -> None:
    ours = ast.parse("def f(self, pin, watts=1): ...").body[0]
    stub = ast.parse("def f(self, pin, /, hz: int = 1): ...").body[0]
    assert isinstance(ours, ast.FunctionDef)
    assert isinstance(stub, ast.FunctionDef)
    assert mistakes(ours, [stub]) == ["unknown parameter watts"]
