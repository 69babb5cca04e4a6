"""Real clips through the whole gateway: a fire becomes an alarm at the centre, traffic none."""

from collections.abc import Callable
from pathlib import Path

from haidang_tools.demo.city import City
from haidang_tools.demo.settings import DemoCamera
from haidang_tools.demo.view import AlarmRow
from waiting import wait_until

MakeCity = Callable[..., City]

_NO_CROWD = 500.0


def _alarms(city: City) -> list[AlarmRow]:
    return city.centre.read(lambda view: list(view.alarms))


def test_a_real_fire_raises_the_fire_alarm(make_city: MakeCity, shared_data: Path) -> None:
    clip = str(shared_data / "video" / "fire_ngan_video5.mp4")
    city = make_city(nodes=(), camera=DemoCamera(clip, _NO_CROWD, 90.0, loop=True))
    alarm = wait_until(lambda: _alarms(city), "the fire alarm")[0]
    assert (alarm.hazard, alarm.state, alarm.certainty) == ("fire", "suspected", "Possible")


def test_real_traffic_raises_no_alarm(make_city: MakeCity, shared_data: Path) -> None:
    clip = str(shared_data / "video" / "normal_cars_intel.mp4")
    city = make_city(nodes=(), camera=DemoCamera(clip, _NO_CROWD, 90.0))
    wait_until(lambda: "market-3-east: sees" in city.gateway.log, "the camera's first pictures")
    wait_until(lambda: "the worker ended" in city.gateway.log, "the end of the clip", 45)
    assert _alarms(city) == []
