"""What all commands of `haidang-gateway` have in common: help, --config, how they fail."""

import argparse
import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from config_kit import example
from haidang_gateway import __main__ as command_line
from haidang_gateway.__main__ import main
from store_kit import open_store


def _parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for sub in action.choices.values():
                yield from _parsers(sub)


def test_every_command_and_every_argument_explains_itself() -> None:
    silent = [
        f"{parser.prog}: {action.metavar or action.dest}"
        for parser in _parsers(command_line._parser())
        for action in parser._actions
        if not action.help and not isinstance(action, argparse._SubParsersAction)
    ]
    silent += [one.prog for one in _parsers(command_line._parser()) if not one.description]
    assert silent == []


@pytest.mark.parametrize(
    "words",
    [
        ["--config", "FILE", "alarm", "list"],
        ["alarm", "--config", "FILE", "list"],
        ["alarm", "list", "--config", "FILE"],
        ["--config=FILE", "ledger", "--json"],
        ["check", "--connect", "--config", "FILE"],
    ],
)
def test_the_configuration_may_be_named_anywhere_and_failures_go_to_standard_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    path = str(tmp_path / "cấu hình 1.toml")
    assert main([word.replace("FILE", path) for word in words]) == 2
    said = capsys.readouterr()
    assert said.err == f"{path}: cannot be read: No such file or directory; check the path\n"
    assert said.out == ""


def test_a_command_that_reads_no_configuration_says_so(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--config", "x.toml", "ca", "list", "CA"])
    assert ended.value.code == 2
    assert "reads no configuration; remove --config x.toml" in capsys.readouterr().err


def test_ctrl_c_ends_a_command_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def pressed(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(command_line, "load", pressed)
    assert main(["check"]) == 130
    assert capsys.readouterr() == ("", "")


def test_a_reader_that_has_seen_enough_ends_a_command_without_a_traceback(tmp_path: Path) -> None:
    assert main(["ca", "init", str(tmp_path / "CA")]) == 0
    words = [sys.executable, "-m", "haidang_gateway", "ca", "acl", str(tmp_path / "CA")]
    far, near = os.pipe()
    os.close(far)
    ended = subprocess.run(
        [*words, "--side", "centre"], stdout=near, stderr=subprocess.PIPE, check=False
    )
    os.close(near)
    assert (ended.returncode, ended.stderr) == (1, b"")


@pytest.mark.parametrize(
    "words", [["evidence", "relearn", "market-3-east"], ["restore", __file__]]
)
def test_a_data_folder_that_is_a_file_is_told_by_every_command(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    path = tmp_path / "gateway.toml"
    there = f'data_dir = "{path}"'
    text = example(root, tmp_path).replace('# data_dir = "/var/lib/haidang"', there)
    path.write_text(text, encoding="utf-8")
    assert main([*words, "--config", str(path)]) == 1
    error = capsys.readouterr().err
    assert error.startswith(str(path))
    assert error.count("\n") == 1


@pytest.fixture
def stopped(root: Path, tmp_path: Path) -> str:
    """A configuration whose database is there and whose gateway does not run."""
    folder = tmp_path / "dữ liệu? #1 %41"
    folder.mkdir()

    async def make() -> None:
        async with open_store(folder):
            pass

    asyncio.run(make())
    path = tmp_path / "gateway.toml"
    text = example(root, tmp_path).replace(
        '# data_dir = "/var/lib/haidang"', f'data_dir = "{folder}"'
    )
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["resend", "fire-service"], "there is no destination fire-service; known: centre"),
        (["quarantine", "show", f"{10**22}"], f"there is no number {10**22}; see"),
        (["quarantine", "retry"], "start it: systemctl start haidang-gateway"),
        (["node", "n-240AC4000001", "log"], "n-240AC4000001 is no node's id; write n- and"),
        (["node", "n-240ac4000001", "log"], "start it: systemctl start haidang-gateway"),
        (["audit", "head", "--database", "."], ".: cannot be read: it is a folder; name a file"),
        (["audit", "head", "--database", "x"], "x: cannot be read: it does not exist; has the"),
        (["audit", "head", "--database", __file__], "is it a database of the gateway, or a copy"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_line(
    stopped: str, capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    assert main([*words, "--config", stopped]) == 1
    said = capsys.readouterr()
    assert told in said.err
    assert said.err.count("\n") == 1
    assert said.out == ""
    assert not list(Path(stopped).parent.rglob("retry-quarantine"))


def test_a_folder_may_have_any_name_and_nothing_refused_is_nothing_to_send(
    stopped: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ledger", "--config", stopped]) == 0
    assert main(["resend", "centre", "--config", stopped]) == 0
    assert "centre has refused nothing that could be sent again" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["node", "n-240ac4000001", "log"], ["quarantine", "retry"]])
@pytest.mark.parametrize("wait", ["0", "-3", "nan", "3601", "1.5", "²"])
def test_a_wait_that_is_no_number_of_seconds_is_explained(
    capsys: pytest.CaptureFixture[str], words: list[str], wait: str
) -> None:
    with pytest.raises(SystemExit):
        main([*words, f"--wait={wait}"])
    assert f"{wait}: write whole seconds, 1 to 3600" in capsys.readouterr().err
