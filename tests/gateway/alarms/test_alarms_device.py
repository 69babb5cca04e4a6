"""Silent sources and blind sensors: alarms of their own, never "all clear"."""

import pytest
from alarm_city import EAST, NODE_A, NODE_B, City, brief
from haidang_gateway.alarms import device

RAISED = ("confirmed", "Minor", "Observed")


@pytest.fixture
def city() -> City:
    return City()


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


def test_a_node_in_safe_mode_is_an_alarm_and_blind_until_it_runs_normally(city: City) -> None:
    city.health("ok")
    (document,) = city.mode("safe")
    assert brief([document]) == [RAISED]
    assert document["health"] == {"smoke": "silent"}
    assert document["headline"] == {
        "vi": "Nút n-240ac4000001 tại Chợ Cột Đỏ ở chế độ an toàn: cảm biến không được đọc",
        "en": "Node n-240ac4000001 at Cot Do market is in safe mode: its sensors are not read",
    }
    assert document["evidence"][0]["name"] == "node/mode"
    assert document["evidence"][0]["value"] == "safe"
    assert city.heard() == [], "its messages are signs of life, not of sight"
    city.wait(3600)
    city.mode("normal")
    (cleared,) = city.wait(30)
    assert (cleared["id"], cleared["state"]) == (document["id"], "cleared")
    assert cleared["headline"]["en"] == "Node n-240ac4000001 at Cot Do market runs normally again"
    assert cleared["health"] == {"smoke": "ok"}


@pytest.mark.parametrize("mode", ["normal", "trial", "sleep", "a mode of tomorrow"])
def test_modes_in_which_sensors_are_read_raise_nothing(city: City, mode: str) -> None:
    assert city.mode(mode) == []
    assert city.stored == {}


def test_a_node_that_tries_and_fails_again_makes_no_storm(city: City) -> None:
    documents = []
    for _ in range(50):
        documents += city.mode("safe") + city.wait(10) + city.mode("normal") + city.wait(10)
    assert brief(documents) == [RAISED]


def test_safe_mode_without_known_sensors_is_shown_as_a_blind_node(city: City) -> None:
    (document,) = city.mode("safe")
    assert document["health"] == {"node": "silent"}


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


def test_a_pack_cannot_claim_the_nodes_own_words(city: City) -> None:
    assert city.health("safe") == []
    assert city.health("open", "node") == []


def test_a_broker_that_is_away_is_one_alarm_and_every_node_is_blind(city: City) -> None:
    city.health("ok")
    (document,) = city.silence("gateway:gw-01")
    assert brief([document]) == [("confirmed", "Moderate", "Observed")]
    assert document["headline"]["en"] == (
        "The gateway's broker of gw-01 is away: no Wi-Fi node can be heard"
    )
    assert document["health"] == {"smoke": "silent"}
    (fire,) = city.flames()
    assert fire["health"]["smoke"] == "silent", "an operator must not take it for all clear"
    city.heard("gateway:gw-01")
    (cleared,) = city.wait(30)
    assert cleared["headline"]["en"] == "The gateway's broker of gw-01 is back"
    assert cleared["health"]["smoke"] == "ok"


def test_a_node_on_a_wire_still_sees_while_the_broker_is_away() -> None:
    states = [
        {"source": source, "sensor": sensor, "word": "ok"}
        for source, sensor in (("radio", "smoke"), ("wire", "flood"))
    ]
    health = device.health_of(states, cut_off=True, wired={"wire"})
    assert health == {"smoke": "silent", "flood": "ok"}


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


def test_a_battery_that_runs_down_is_news_before_the_silence(city: City) -> None:
    assert city.power("ok") == []
    (document,) = city.power("low")
    assert brief([document]) == [RAISED]
    assert document["headline"]["vi"] == (
        "Nguồn điện của nút n-240ac4000001 tại Chợ Cột Đỏ yếu: "
        "sắp hết pin hoặc hỏng bộ nguồn, có thể sắp mất liên lạc"
    )
    assert document["evidence"][0]["name"] == "node/power"
    assert document["evidence"][0]["value"] == "low"
    assert document["health"] == {}, "what the node sees is not worse for it"
    (silence,) = city.silence()
    assert silence["id"] != document["id"]
    assert silence["health"] == {"node": "silent"}


def test_a_battery_that_is_replaced_ends_its_alarm_also_after_a_restart(city: City) -> None:
    (low,) = city.power("low")
    city.restart()
    city.wait(600)
    assert city.power("ok") == []
    (over,) = city.wait(30)
    assert (over["id"], over["state"]) == (low["id"], "cleared")
    assert over["headline"]["en"] == (
        "The supply of node n-240ac4000001 at Cot Do market is well again"
    )


def test_a_supply_at_the_edge_makes_no_storm(city: City) -> None:
    documents = []
    for _ in range(50):
        documents += city.power("low")
        documents += city.wait(10)
        documents += city.power("ok")
        documents += city.wait(10)
    assert brief(documents) == [RAISED]


def test_a_supply_too_high_is_told_as_such_when_it_holds(city: City) -> None:
    city.power("low")
    assert city.power("high", age_s=-1) == []
    city.wait(1)
    (document,) = city.wait(30)
    assert "too high: cut it off" in document["headline"]["en"]
    assert document["rev"] == 2


def test_no_other_word_of_a_supply_and_no_sensor_called_power_raises_anything(city: City) -> None:
    assert city.power("full") == city.power("silent") == city.power("safe") == []
    assert city.health("low", "power") == city.health("low") == []
    assert city.stored == {}
