"""The cities of the alarms' tests, new for each."""

import pytest
from alarm_people import People, Waters


@pytest.fixture
def city() -> People:
    """The small city, with persons in it."""
    return People()


@pytest.fixture
def waters() -> Waters:
    """The city with neighbouring places and a river."""
    return Waters()
