"""`haidang-gateway ca`: the certificate authority on the command line."""

import argparse
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from haidang_gateway.clock import Clock
from haidang_gateway.errors import PkiError
from haidang_gateway.fleet.access import NAME_FORMS, access_list, role_of
from haidang_gateway.fleet.certificates import DEFAULT_HOSTS
from haidang_gateway.fleet.pki import DEFAULT_DAYS, Authority


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the sub-commands of `ca` to `parser`."""
    commands = parser.add_subparsers(dest="ca_command", required=True, metavar="COMMAND")

    def command(name: str, what: str, act: Callable[[argparse.Namespace], int]) -> _Parser:
        sub = commands.add_parser(name, help=what, description=what)
        sub.add_argument("directory", metavar="DIR", type=Path, help="the authority's folder")
        sub.set_defaults(ca_act=act)
        return sub

    sub = command("init", "Make a certificate authority; an existing one is kept.", _init)
    sub.add_argument("--name", default="Haidang CA", help="name in the authority's certificate")
    sub = command("issue", "Issue or renew certificates; the name gives the role.", _issue)
    sub.add_argument("names", metavar="NAME", nargs="+", help=NAME_FORMS)
    hosts = ", ".join(DEFAULT_HOSTS)
    sub.add_argument(
        "--host",
        action="append",
        default=[],
        help=f"name or address of a broker; repeat for more ({hosts})",
    )
    sub.add_argument(
        "--days",
        type=int,
        default=DEFAULT_DAYS,
        help="life of a client's certificate (%(default)s)",
    )
    sub = command("revoke", "Revoke all certificates of a name.", _revoke)
    sub.add_argument("name", metavar="NAME", help="as `ca list` shows it")
    command("crl", "Write the revocation list anew.", _crl)
    sub = command("acl", "Print the access list of a mosquitto broker.", _acl)
    text = "whose broker it is"
    sub.add_argument("--side", choices=("gateway", "centre"), required=True, help=text)
    command("list", "List all certificates.", _list)


def run(args: argparse.Namespace) -> int:
    """Run the chosen sub-command; 0 when done, 1 with a sentence on stderr otherwise."""
    act: Callable[[argparse.Namespace], int] = args.ca_act
    try:
        return act(args)
    except PkiError as error:
        sys.stderr.write(f"ca: {error}\n")
    except BrokenPipeError:
        # Whoever reads our list has seen enough.
        raise
    except OSError as error:
        what = "check the folder's path and owner"
        sys.stderr.write(f"ca: {error.filename}: {error.strerror}; {what}\n")
    return 1


def main() -> int:
    """Run `ca` on its own: python -m haidang_gateway.fleet.pki_cli."""
    parser = argparse.ArgumentParser(prog="haidang-gateway ca")
    add_arguments(parser)
    return run(parser.parse_args())


_Parser = argparse.ArgumentParser


def _now() -> datetime:
    return datetime.fromtimestamp(Clock().now_ms() // 1000, UTC)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")


def _init(args: argparse.Namespace) -> int:
    made = Authority(args.directory).create(args.name)
    _say(f"{args.directory}: {'new authority' if made else 'authority is there already, kept'}")
    return 0


def _issue(args: argparse.Namespace) -> int:
    for name in args.names:
        issued = Authority(args.directory).issue(name, _now(), args.days, args.host)
        _say(f"{name}: {issued.role}, valid until {issued.not_after[:10]}")
    if any(role_of(name) in ("gateway", "gateway-alarm", "centre") for name in args.names):
        _say("Write the brokers' access lists anew: `ca acl DIR --side gateway|centre`.")
    return 0


def _revoke(args: argparse.Namespace) -> int:
    count = Authority(args.directory).revoke(args.name, _now())
    _say(f"{args.name}: {count} revoked. Copy crl.pem to the broker and restart it:")
    _say("a mere reload keeps new connections out, but leaves open ones alone.")
    return 0


def _crl(args: argparse.Namespace) -> int:
    _say(str(Authority(args.directory).renew_crl()))
    return 0


def _acl(args: argparse.Namespace) -> int:
    sys.stdout.write(access_list(args.side, Authority(args.directory).in_force(_now())))
    return 0


def _list(args: argparse.Namespace) -> int:
    now = _now()
    for entry in Authority(args.directory).issued():
        state = "in force" if entry.in_force(now) else "expired"
        if entry.revoked is not None:
            state = f"revoked {entry.revoked[:10]}"
        _say(f"{entry.name:24} {entry.role:14} until {entry.not_after[:10]}  {state}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
