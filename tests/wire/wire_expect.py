"""What the dual-runtime tests share: expecting an error, a small source of numbers."""


def refused(error, function, *args):
    """The text of the `error` that the call must raise."""
    caught = None
    result = None
    try:
        result = function(*args)
    except error as problem:
        caught = problem
    assert type(caught) is error, (caught, result, args)
    return str(caught)


def numbers(seed, highest):
    """Endless pseudo-random whole numbers from 0 to `highest`, the same everywhere."""
    state = seed
    while True:
        state = (state * 1103515245 + 12345) & 0x3FFFFFFF
        yield (state >> 8) % (highest + 1)
