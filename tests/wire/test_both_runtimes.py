"""The dual-runtime files under MicroPython; pytest collects the same files for CPython."""

import platform
from pathlib import Path

import pytest
from run_upy import interpreter, run_file

_TESTS = Path(__file__).resolve().parent.parent
_FILES = sorted([*_TESTS.glob("wire/upy_*.py"), *_TESTS.glob("node/upy_*.py")])


def _need_micropython() -> None:
    """Skips where no wheel exists; where one does, a missing interpreter is a failure."""
    if interpreter() is None:
        assert platform.machine() != "x86_64", "MicroPython is missing: run make setup"
        pytest.skip("the MicroPython wheel exists for x86-64 only")


@pytest.mark.parametrize("path", _FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_passes_on_micropython(path: Path) -> None:
    _need_micropython()
    outcome = run_file(path)
    assert outcome.ok, outcome.output


def test_a_failing_file_is_reported(tmp_path: Path) -> None:
    _need_micropython()
    bad = tmp_path / "upy_bad.py"
    bad.write_text("def test_a():\n    assert 1 == 1\n\n\ndef test_b():\n    assert 1 == 2\n")
    outcome = run_file(bad)
    assert not outcome.ok
    assert "FAILED test_b" in outcome.output
    assert "1 passed, 1 failed" in outcome.output


def test_a_file_without_tests_is_a_failure(tmp_path: Path) -> None:
    _need_micropython()
    empty = tmp_path / "upy_empty.py"
    empty.write_text("")
    assert not run_file(empty).ok
