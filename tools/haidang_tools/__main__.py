"""`haidang`: the technician's and developer's command."""

import argparse
import importlib
import sys

from haidang_tools.errors import ToolError

# Command: (module with add_arguments and run, what it does). Loaded only when asked for.
_COMMANDS = {
    "flash": ("haidang_tools.flash", "put the application on a board"),
    "provision": ("haidang_tools.provision", "give a board its name, certificate, configuration"),
    "board": ("haidang_tools.virtual", "run a virtual board with a port of its own"),
    "centre": ("haidang_tools.centre", "run a stand-in operations centre"),
    "scene": ("haidang_tools.scene", "serve the demo's street as a camera"),
    "demo": ("haidang_tools.demo.command", "run the city in small"),
    "fleet-sim": ("haidang_tools.fleet_sim", "simulate many nodes that send packs"),
    "replay": ("haidang_tools.replay", "play a recorded trace to a virtual board"),
    "schema": ("haidang_tools.schema", "write what is generated from the contract"),
}


def main(words: list[str] | None = None) -> int:
    """Run one command; 1 for a failure that was explained, 130 for Ctrl-C."""
    words = sys.argv[1:] if words is None else words
    try:
        args = _parser(words[0] if words else "").parse_args(words)
    except ModuleNotFoundError as error:
        print(
            f"haidang: the Python package {error.name} is missing: run `make setup`, or install "
            "with `pip install -c constraints.txt '.[tools]'`",
            file=sys.stderr,
        )
        return 1
    module = importlib.import_module(_COMMANDS[args.command][0])
    try:
        return int(module.run(args))
    except ToolError as error:
        print(f"haidang {args.command}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _parser(chosen: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="haidang", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (module, purpose) in _COMMANDS.items():
        command = commands.add_parser(name, help=purpose, description=purpose)
        if name == chosen:
            importlib.import_module(module).add_arguments(command)
    return parser


if __name__ == "__main__":
    sys.exit(main())
