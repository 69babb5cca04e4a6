"""A sheet that a technician can sign, out of a node's reply to selftest or calibrate."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from haidang_gateway.text_sheet import CHECKS, FIELDS, HEALTH, SENSORS, WORDS, Check

LANGUAGES = ("vi", "en")
_WIDTH = 86
_MARK = 11
_SENTENCE = 42
_LEFT = 43
_NO_FIELD = ("before", "cfg", "fw", "sensors")


class Header(NamedTuple):
    """What stands above: texts, the time in the place's own zone."""

    node: str
    place: str
    time: str


def sheet(do: str, answer: dict[str, Any], header: Header, language: str) -> Iterator[str]:
    """Lines of the sheet for one reply; `do` is selftest or calibrate, `language` vi or en."""
    say = _Words(language)
    out = answer.get("out") or {}
    yield say.word(do)
    yield "=" * _WIDTH
    yield _two(f"{say.word('node')}: {header.node}", f"{say.word('place')}: {header.place}")
    yield _two(
        f"{say.word('time')}: {header.time}", f"{say.word('firmware')}: {out.get('fw', '?')}"
    )
    if not answer["ok"]:
        yield from _refusal(answer, say)
        passed = False
    elif do == "calibrate":
        yield from _calibration(out, say)
        passed = True
    else:
        yield from _checks(out, say)
        sensors = _table(out.get("sensors"))
        passed = bool(sensors) and all(_table(told).get("ok") is True for told in sensors.values())
    yield "-" * _WIDTH
    yield f"{say.word('result')}: {say.word('pass' if passed else 'fail')}"
    yield ""
    yield _two(f"{say.word('technician')}: {'_' * 20}", f"{say.word('signature')}: {'_' * 20}")


class _Words:
    def __init__(self, language: str) -> None:
        self._at = LANGUAGES.index(language)

    def word(self, name: str) -> str:
        return WORDS[name][self._at]

    def of(self, pair: tuple[str, ...] | None, otherwise: str) -> str:
        return otherwise if pair is None else pair[self._at]


def _checks(out: dict[str, Any], say: _Words) -> Iterator[str]:
    for kind, reply in _table(out.get("sensors")).items():
        told = _table(reply)
        health = str(told.get("health"))
        yield "-" * _WIDTH
        yield f"{say.of(SENSORS.get(kind), kind)} ({kind}) - {health}"
        checks = told.get("checks")
        for check in checks if isinstance(checks, list) else ():
            yield _check(kind, check, say)
        if health != "ok":
            yield f"  {say.word('advice')}: {say.of(HEALTH.get(health), health)}"


def _check(kind: str, check: Any, say: _Words) -> str:
    if not isinstance(check, list) or not check:
        return f"  ? {check}"
    code, ok, value, limit = [*check, None, None, None][:4]
    known = CHECKS.get(f"{kind}/{code}") or CHECKS.get(str(code))
    mark = f"[{say.word('pass' if ok is True else 'fail')}]"
    line = f"  {mark:<{_MARK}} {say.of(known, str(code)):<{_SENTENCE}}"
    if value is not None:
        line += f" {_with_unit(value, known)}"
    if limit is not None:
        line += f" ({say.word('limit')} {limit})"
    return line.rstrip()


def _calibration(out: dict[str, Any], say: _Words) -> Iterator[str]:
    before = _table(out.get("before"))
    yield f"{say.word('configuration')}: {out.get('cfg', '?')}"
    yield "-" * _WIDTH
    for name, value in out.items():
        if name in _NO_FIELD:
            continue
        field = FIELDS.get(name)
        yield (
            f"  {say.of(field, name):<{_SENTENCE}} {say.word('before')} "
            f"{_with_unit(before.get(name, '?'), field)}, "
            f"{say.word('after')} {_with_unit(value, field)}"
        )


def _refusal(answer: dict[str, Any], say: _Words) -> Iterator[str]:
    yield "-" * _WIDTH
    yield f"{say.word('refused')}: {answer.get('err')}"
    if answer.get("hint"):
        yield f"{say.word('advice')}: {answer['hint']}"


def _with_unit(value: Any, check: Check | None) -> str:
    unit = check.unit if check is not None else ""
    if isinstance(value, int) and not isinstance(value, bool):
        # Nodes tell whole numbers: "0.01 °C" is the unit of their last place.
        if unit.startswith("0."):
            step, _, name = unit.partition(" ")
            places = len(step) - 2
            return f"{value / 10**places:.{places}f} {name}"
        return f"{value} {unit}".rstrip()
    return str(value)


def _two(left: str, right: str) -> str:
    return f"{left:<{_LEFT}} {right}"


def _table(told: Any) -> dict[str, Any]:
    return told if isinstance(told, dict) else {}
