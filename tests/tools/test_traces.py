"""Trace files: what is written is read back, and every mistake is told with its line."""

import io
from pathlib import Path

import pytest
from haidang_tools import traces
from haidang_tools.errors import InputRefused
from haidang_tools.traces import COLUMNS, Row, Trace
from hypothesis import given, settings
from hypothesis import strategies as st

_EXAMPLES = Path(__file__).parents[2] / "docs" / "sensors" / "traces"


def _read(text: str) -> Trace:
    return traces.read(io.StringIO(text), "a.csv")


def test_comments_and_empty_cells_leave_things_as_they_were() -> None:
    trace = _read("# of a street\n\nt_s,smoke_ppm,contact\n0,0,0\n# rain\n12.5, 800 ,\n20,,1\n")
    assert trace.columns == ("smoke_ppm", "contact")
    assert trace.rows[1:] == (Row(12.5, {"smoke_ppm": 800.0}), Row(20.0, {"contact": 1.0}))
    assert trace.seconds == 20.0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "a.csv: is empty"),
        ("# only words\n", "a.csv: is empty"),
        ("smoke_ppm,t_s\n1,2\n", "line 1: the header begins with t_s"),
        ("t_s,smoke\n", "line 1: 'smoke' is no column; known: smoke_ppm,"),
        ("t_s,phones,phones\n", "line 1: phones is there twice"),
        ("t_s\n1\n", "line 1: no column beside t_s"),
        ("t_s,phones\n", "a.csv: has a header and no rows"),
        ("# x\nt_s,phones\n0,1\n\n1\n", "line 5: 1 cells, the header has 2"),
        ("t_s,phones\n0,1\nx,2\n", "line 3: t_s 'x' is not a number"),
        ("t_s,phones\n9,1\n3,2\n", "line 3: t_s 3 is before 9"),
        ("t_s,phones\n0,1.5\n", "line 2: phones 1.5 is not a whole number"),
        ("t_s,temp_c\n0,99\n", "line 2: temp_c 99 is not within -40 to 85"),
        ("t_s,temp_c\n0,nan\n", "line 2: temp_c nan is not within"),
        ("t_s,air_fault\n0,broken\n", "line 2: air_fault 'broken' is not none, silent"),
        ("t_s,phones\n0,1\n99999999,2\n", "lasts more than a year"),
        ('t_s,phones\n0,"1\n', "line 2: phones '\"1' is not a number"),
    ],
)
def test_a_mistake_is_told_with_its_line(text: str, words: str) -> None:
    with pytest.raises(InputRefused) as told:
        _read(text)
    assert words in str(told.value)
    assert str(told.value).startswith("a.csv")


def test_a_file_that_is_absent_or_no_text_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="give a CSV file"):
        traces.load(tmp_path / "absent.csv")
    (tmp_path / "binary.csv").write_bytes(b"t_s,phones\n\xff\xfe\n")
    with pytest.raises(InputRefused, match="not UTF-8"):
        traces.load(tmp_path / "binary.csv")


def test_the_examples_are_good_files() -> None:
    found = sorted(_EXAMPLES.glob("*.csv"))
    assert found
    for path in found:
        assert traces.load(path).seconds > 60


def _cell(name: str) -> st.SearchStrategy[float | str]:
    column = COLUMNS[name]
    if column.words:
        return st.sampled_from(column.words)
    if column.whole:
        return st.integers(int(column.least), int(column.most)).map(float)
    return st.integers(int(column.least), int(column.most)).map(lambda n: n + 0.0)


@settings(max_examples=40)
@given(
    steps=st.lists(st.integers(0, 100_000), min_size=1, max_size=20),
    columns=st.lists(st.sampled_from(sorted(COLUMNS)), min_size=1, unique=True),
    data=st.data(),
)
def test_what_is_written_is_read_back(
    steps: list[int], columns: list[str], data: st.DataObject
) -> None:
    rows, at_ms = [], 0
    for step in steps:
        at_ms += step
        wanted = data.draw(st.sets(st.sampled_from(columns)))
        rows.append(Row(at_ms / 1000, {name: data.draw(_cell(name)) for name in wanted}))
    file = io.StringIO()
    assert traces.write(file, columns, rows, "two\nlines") == len(rows)
    assert _read(file.getvalue()) == Trace(tuple(columns), tuple(rows))


@settings(max_examples=40)
@given(st.text('0123456789,.-#\n tx"', max_size=60))
def test_any_text_is_a_trace_or_a_refusal(text: str) -> None:
    try:
        traces.read(io.StringIO("t_s,phones\n" + text), "a.csv")
    except InputRefused:
        return
