"""What a module for a small heap keeps and what it loses; compiled and run as it would be."""

from pathlib import Path

import pytest
from haidang_tools import flash
from haidang_tools.compiling import Compiler
from haidang_tools.errors import InputRefused
from haidang_tools.slim import Names, slimmed

MODULE = """
from micropython import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_LIMIT = const(3)
_shared = 7


class Counter:
    step = 1

    def __init__(self, first_value: int, *, by: "Any" = None) -> None:
        self._value_now = first_value
        self._by = by or self.step
        self.public_value: int = 0

    def _advance(self, times: int) -> int:
        steps = [self._by for _ in range(times)]
        self._value_now += sum(steps)
        return min(self._value_now, _LIMIT)

    def move(self, times):
        later = lambda extra: self._advance(times + extra) + _shared
        return later(0)
"""


def ran(source: str) -> dict[str, object]:
    made: dict[str, object] = {}
    text = source.replace("from micropython import const", "const = int")
    exec(text, made)  # noqa: S102 - what was made here
    return made


def test_private_names_and_parameters_are_short_and_nothing_else_changes() -> None:
    short = slimmed(MODULE, Names([MODULE, "Counter(1, by=2)"]))
    for gone in ("_value_now", "_advance", "_shared", "first_value", "times", "typing"):
        assert gone not in short
    for kept in ("class Counter", "def move", "public_value", "step", "by=None"):
        assert kept in short
    for source in (MODULE, short):
        counter = ran(source)["Counter"](1, by=1)  # type: ignore[operator]
        assert counter.move(1) == 9
        assert counter.move(5) == 10
        assert counter.public_value == 0


def test_a_private_name_that_another_module_uses_keeps_its_name() -> None:
    other = "def f(counter):\n    return counter._value_now\n"
    short = slimmed(MODULE, Names([MODULE, other]))
    assert "_value_now" in short
    assert "_advance" not in short


def test_names_of_a_class_extended_elsewhere_do_not_meet() -> None:
    other = (
        "from m import Counter\n\n\nclass Better(Counter):\n"
        "    def __init__(self):\n        super().__init__(1)\n        self._extra = 5\n"
    )
    assert "_extra" in slimmed(other, Names([MODULE, other]))


def test_names_in_texts_are_kept() -> None:
    user = "getattr(object, '_value_now')\n"
    assert "_value_now" in slimmed(MODULE, Names([MODULE, user]))


def test_every_module_of_the_node_compiles_for_the_esp32() -> None:
    modules = flash.node_files(flash.SOURCE)
    compiler = Compiler(modules, "xtensawin")
    slim = sum(len(compiler.compiled(path, path.stem)) for path in modules[:5])
    assert 0 < slim < sum(path.stat().st_size for path in modules[:5])


def test_a_module_that_is_no_python_is_refused(tmp_path: Path) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("def f(:\n")
    with pytest.raises(InputRefused, match="does not compile"):
        Compiler([broken])
