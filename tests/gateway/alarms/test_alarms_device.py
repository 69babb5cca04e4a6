"""Silent sources and broken or blind sensors: alarms of their own, never "all clear"."""

from typing import Any

import pytest
from alarm_city import EAST, GAUGE, NODE_A, NODE_B, RAISED, City, brief
from alarm_people import HOUR_S
from haidang_gateway.alarms import device
from haidang_gateway.model import Silence


def test_a_silent_node_is_an_alarm_at_once(city: City) -> None:
    (document,) = city.silence()
    assert brief([document]) == [RAISED]
    assert document["hazard"] == "device"
    assert document["onset"] == "2025-11-24T22:58:30.000+07:00"
    assert document["headline"]["vi"] == "Mất liên lạc với nút n-240ac4000001 tại Chợ Cột Đỏ"
    assert document["health"] == {"node": "silent"}
    assert document["evidence"][0]["kind"] == "silence"


def test_a_node_that_is_heard_again_is_cleared_when_it_stays(city: City) -> None:
    city.silence()
    city.wait(100)
    assert city.heard() == []
    (document,) = city.wait(30)
    assert document["state"] == "cleared"
    assert document["headline"]["en"] == "Node n-240ac4000001 at Cot Do market is back"
    assert document["health"] == {}


def test_an_old_reading_that_arrives_now_is_a_sign_of_life(city: City) -> None:
    city.silence()
    city.wait(10)
    city.heard(age_s=3600)
    assert [d["state"] for d in city.wait(30)] == ["cleared"]


def test_a_sign_of_life_without_silence_is_nothing(city: City) -> None:
    assert city.heard() == []
    assert city.stored == {}


def test_repeated_silence_is_one_alarm(city: City) -> None:
    city.silence()
    for _ in range(10):
        city.wait(30)
        assert city.silence() == []


def test_a_camera_that_comes_and_goes_makes_no_storm(city: City) -> None:
    documents = []
    for _ in range(50):
        documents += city.silence(EAST)
        documents += city.wait(10)
        documents += city.heard(EAST)
        documents += city.wait(10)
    assert brief(documents) == [RAISED]
    assert documents[0]["headline"]["vi"] == (
        "Mất liên lạc với camera market-3-east tại Chợ Cột Đỏ"
    )
    assert documents[0]["health"] == {"camera": "silent"}


@pytest.mark.parametrize("word", ["open", "short", "silent", "stuck", "noisy"])
def test_a_sensor_fault_is_an_alarm_and_its_repair_clears_it(city: City, word: str) -> None:
    (document,) = city.health(word)
    assert brief([document]) == [RAISED]
    assert document["evidence"][0]["value"] == word
    assert document["health"] == {"smoke": word}
    city.health("ok")
    (cleared,) = city.wait(30)
    assert (cleared["id"], cleared["state"]) == (document["id"], "cleared")
    assert cleared["health"] == {"smoke": "ok"}


@pytest.mark.parametrize("word", ["ok", "warming", "uncalibrated", "a word of tomorrow"])
def test_words_that_are_no_fault_raise_nothing(city: City, word: str) -> None:
    assert city.health(word) == []


def test_a_heating_sensor_is_not_repaired_yet(city: City) -> None:
    city.health("open")
    city.health("warming")
    assert city.wait(3600) == []
    city.health("ok")
    assert [d["state"] for d in city.wait(30)] == ["cleared"]


def test_another_fault_is_told_when_it_held(city: City) -> None:
    city.health("open")
    city.wait(5)
    assert city.health("short") == []
    (document,) = city.wait(30)
    assert document["headline"]["en"] == (
        "Smoke sensor at Cot Do market (Node n-240ac4000001) has failed: short circuit"
    )


def test_faults_that_alternate_make_no_storm(city: City) -> None:
    documents = []
    for _ in range(50):
        for word in ("open", "ok", "short", "noisy"):
            documents += city.health(word)
            documents += city.wait(2)
    assert brief(documents) == [RAISED]


def test_two_sensors_of_a_node_and_its_silence_are_alarms_of_their_own(city: City) -> None:
    documents = city.health("open") + city.health("stuck", "flood") + city.silence()
    assert len({d["id"] for d in documents}) == 3
    assert documents[-1]["health"] == {"smoke": "silent", "flood": "silent"}


def test_the_worst_sensor_speaks_for_its_kind(city: City) -> None:
    city.health("ok")
    city.health("noisy", source=NODE_B)
    (document,) = city.health("short", source=NODE_B.replace("2", "9"))
    assert document["health"] == {"smoke": "short"}


def test_a_fault_out_of_an_old_backlog_needs_a_fresh_word(city: City) -> None:
    assert city.health("open", age_s=3600) == []
    assert city.wait(60) == []
    assert brief(city.health("open")) == [RAISED]


def test_silence_does_not_end_a_fire(city: City) -> None:
    (fire,) = city.smoke("alarm", NODE_A)
    city.silence(NODE_A)
    city.wait(60)
    city.acknowledge(fire["id"])
    last = [d for d in city.documents if d["id"] == fire["id"]][-1]
    assert last["state"] == "confirmed"
    assert last["health"] == {"node": "silent"}


@pytest.mark.parametrize(
    ("word", "told"),
    [("black", "silent"), ("blinded", "silent"), ("blurred", "noisy"), ("turned", "stuck")],
)
def test_a_cameras_own_word_is_in_the_evidence_and_the_contracts_in_the_health(
    city: City, word: str, told: str
) -> None:
    assert city.health(word, "smoke") == [], "no node has a view"
    (document,) = city.health(word, "camera")
    assert document["evidence"][0]["value"] == word
    assert document["health"] == {"camera": told}


@pytest.mark.parametrize(
    ("sensor", "word", "vi", "en"),
    [
        ("flood", "stuck", "bị che hoặc kẹt: không đo được", "blocked or stuck: no level"),
        ("footfall", "silent", "bộ dò Wi-Fi im lặng", "its sniffer is silent"),
        ("footfall", "noisy", "dữ liệu bộ dò Wi-Fi bị lỗi", "garbled sniffer data"),
        ("footfall", "stuck", "đã ngừng đếm", "has stopped counting"),
        ("smoke", "stuck", "giá trị đứng yên", "its value stands still"),
        ("smoke", "open", "hỏng: đứt dây", "has failed: broken wire"),
        ("camera", "black", "hình đen hoặc ống kính bị che", "black picture or covered lens"),
        ("camera", "blinded", "bị chói", "is blinded"),
        ("camera", "blurred", "bị mờ", "is blurred"),
        ("camera", "turned", "bị xoay", "was turned"),
    ],
)
def test_a_fault_is_told_in_the_words_of_its_sensor(
    city: City, sensor: str, word: str, vi: str, en: str
) -> None:
    (document,) = city.health(word, sensor)
    assert vi in document["headline"]["vi"]
    assert en in document["headline"]["en"]


def test_a_sensor_that_is_not_calibrated_yet_raises_nothing_and_is_named_when_it_returns(
    city: City,
) -> None:
    assert city.health("uncalibrated") == []
    city.health("open")
    city.health("uncalibrated")
    (document,) = city.wait(30)
    assert document["state"] == "cleared"
    assert document["headline"]["vi"].endswith("đo lại được, nhưng chưa hiệu chuẩn")
    assert document["health"] == {"smoke": "uncalibrated"}


def test_a_device_that_comes_and_goes_must_stay_well_longer_each_time(city: City) -> None:
    waits = []
    for _ in range(4):
        city.silence(EAST)
        city.heard(EAST)
        began_ms = city.now_ms
        while not city.wait(5):
            pass
        waits.append((city.now_ms - began_ms) // 1000)
    assert waits == [30, 60, 120, 240]
    city.wait(HOUR_S)
    city.silence(EAST)
    city.heard(EAST)
    assert city.wait(29) == []
    assert city.wait(1)[0]["state"] == "cleared"


def test_an_alarm_looks_at_no_device_of_another_place(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Thousands of nodes may fall silent at once: each alarm tells what its own place can see.
    now_ms = city.now_ms
    when = {"since_ms": now_ms, "at_ms": now_ms, "received_ms": now_ms}
    city.hear(Silence(source=GAUGE, place="river", **when))
    city.health("open", source=NODE_B)
    city.silence("gateway:gw-01")
    looked: list[int] = []
    is_cut_off = device.is_cut_off

    def counted(states: list[dict[str, Any]]) -> bool:
        looked.append(len(states))
        return is_cut_off(states)

    monkeypatch.setattr(device, "is_cut_off", counted)
    (silent,) = city.silence(NODE_A)
    assert looked == [3], "the broker's, the sensor of the place, and this very one"
    assert silent["health"] == {"smoke": "silent", "node": "silent"}
