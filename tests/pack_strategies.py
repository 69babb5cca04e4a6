"""Any pack of the contract, for tests of what writes and reads packs."""

from haidang_wire import senml, vocabulary
from hypothesis import strategies as st


def _value(name: str) -> st.SearchStrategy[object]:
    _, field, words = vocabulary.NAMES[name]
    if field == "vb":
        return st.booleans()
    if words:
        return st.sampled_from(words)
    fixed = st.builds(senml.Fixed, st.integers(-(10**6), 10**6), st.integers(0, 6))
    return st.integers(-(2**53) + 1, 2**53 - 1) | fixed


@st.composite
def packs(draw: st.DrawFn) -> senml.Pack:
    """Any pack that a node may send."""
    names = draw(st.lists(st.sampled_from(sorted(vocabulary.NAMES)), min_size=1, max_size=12))
    first_ms = draw(st.integers(0, 2**40))
    records = []
    up_ms = first_ms
    for name in names:
        records.append(senml.Record(name, draw(_value(name)), up_ms))
        up_ms += draw(st.sampled_from([0, 0, 1, 1000]))
    number = st.integers(0, 2**32 - 1)
    unix_ms = draw(st.none() | st.integers(2**40, 2**41))
    epoch = f"{draw(number):08x}"
    return senml.Pack(
        "n-240ac4123456", epoch, draw(number), draw(number), first_ms, unix_ms, records
    )
