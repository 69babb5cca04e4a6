"""What the tests of the stand-in centre check with."""

import pytest
from haidang_tools.centre_check import Checker


@pytest.fixture(scope="module")
def checker() -> Checker:
    """The centre's check of messages, its schemas loaded."""
    made = Checker()
    made.load()
    return made
