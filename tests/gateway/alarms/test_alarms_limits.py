"""What no fact and no configuration may do to an alarm: grow it, or keep it from being told."""

import dataclasses
import json

import pytest
from alarm_city import EPOCH, NODE_A, SITE, START_MS, City
from haidang_gateway import text, text_device, text_flood
from haidang_gateway.alarms.document import EVIDENCE_LIMIT
from haidang_gateway.alarms.engine import Rules
from haidang_gateway.errors import ConfigError
from haidang_gateway.model import CrowdSeen, SmokeFact
from haidang_gateway.site import Place, Site

LONGEST = Place(id="p" * 48, name="Đ" * 80, name_en="E" * 80, lat=0, lon=0, radius_m=1)
CAMERA = f"camera:{'c' * 41}"


def test_the_evidence_is_bounded_and_the_revision_fits_a_packet() -> None:
    city = City()
    for number in range(40):
        city.smoke("alarm", f"urn:dev:mac:240ac4fffe0001{number:02x}")
        city.wait(1)
    revision = city.revisions[-1]
    sources = [item["source"] for item in json.loads(revision.document)["evidence"]]
    assert len(sources) == EVIDENCE_LIMIT
    assert sources[0].endswith("00")
    assert sources[-1].endswith("27")
    assert len(revision.document) < 8000


def test_a_place_that_is_not_configured_is_refused_at_the_start() -> None:
    site = dataclasses.replace(SITE, node_places={NODE_A: "nowhere"})
    with pytest.raises(ConfigError, match="nowhere"):
        Rules(site, {}, EPOCH)


def test_names_too_long_for_a_headline_are_refused_at_the_start() -> None:
    place = dataclasses.replace(LONGEST, name="Đ" * 81)
    with pytest.raises(ConfigError, match="81 characters; 80"):
        Rules(Site(gateway="gw-01", timezone="UTC", places={place.id: place}), {}, EPOCH)


@pytest.mark.parametrize("source", [NODE_A, CAMERA])
def test_the_longest_names_fit_every_headline(source: str) -> None:
    headlines = [text_device.silence_headline(LONGEST, source, back=way) for way in (False, True)]
    headlines += [
        text_device.fault_headline(LONGEST, sensor, health, source)
        for sensor in ("smoke", "flood", "footfall", "env", "camera")
        for health in ("ok", "uncalibrated", "open", "short", "silent", "stuck", "noisy")
    ]
    headlines += [
        text_device.fault_headline(LONGEST, "camera", health, source)
        for health in ("black", "blinded", "blurred", "turned")
    ]
    headlines += [
        text.crowd_headline(LONGEST, level, 123456, density, growing=True)
        for level in (None, "watch", "warning", "danger")
        for density in (None, 12.3)
    ]
    headlines += [
        text_flood.flood_headline(LONGEST, level, 99_999, official=official, to_next_s=to_next_s)
        for level in ("watch", "warning", "danger")
        for official in (False, True)
        for to_next_s in (None, 86_400)
    ]
    headlines += [
        text_flood.rising_headline(LONGEST, 86_400, 99_999, official=official)
        for official in (False, True)
    ]
    headlines.append(text_flood.flood_over_headline(LONGEST, 99_999))
    headlines.append(text_flood.upstream_headline(LONGEST, LONGEST, "22:40"))
    headlines += [
        text.report_headline(LONGEST, hazard, state)
        for hazard in ("flood", "crowd")
        for state in ("suspected", "confirmed", "cleared")
    ]
    names = {"name": LONGEST.name, "name_en": LONGEST.name_en}
    headlines += [
        text.dismissed_headline({"place": names, "hazard": hazard})
        for hazard in ("fire", "flood", "crowd", "device")
    ]
    headlines.append(text.exercise_over_headline({"place": names}))
    headlines += [
        text.fire_headline(LONGEST, state, strong=strong, was_confirmed=confirmed)
        for state in ("suspected", "confirmed", "cleared")
        for strong in (False, True)
        for confirmed in (False, True)
    ]
    assert all(len(sentence) <= 200 for headline in headlines for sentence in headline.values())


def test_a_sensor_that_nobody_knows_raises_nothing() -> None:
    city = City()
    assert city.health("open", "x" * 500) == []
    assert city.stored == {}


def test_facts_about_unknown_places_and_zones_change_nothing() -> None:
    city = City()
    when = {"at_ms": START_MS, "received_ms": START_MS}
    smoke = SmokeFact(source=NODE_A, place="nowhere", state="alarm", ratio=0.4, **when)
    crowd = CrowdSeen(
        source="camera:x",
        place="square",
        zone="nowhere",
        count=1,
        low=1,
        high=1,
        density_m2=9.0,
        **when,
    )
    assert city.hear(smoke) == city.hear(crowd) == []
    assert city.stored == {}


def test_an_alarm_of_a_place_taken_out_of_the_configuration_can_still_be_acknowledged() -> None:
    city = City()
    (document,) = city.smoke("alarm")
    places = {name: place for name, place in SITE.places.items() if name != "market"}
    city.restart(dataclasses.replace(SITE, places=places, node_places={}, camera_places={}))
    assert city.wait(3600) == []
    (acknowledged,) = city.acknowledge(document["id"])
    assert (acknowledged["rev"], acknowledged["ack"]["by"]) == (2, "trực ban 1")


def test_a_failed_document_leaves_the_rules_unchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    city = City()

    def fail(_kind: str, _document: dict[str, object]) -> bytes:
        raise OSError

    with monkeypatch.context() as patch:
        patch.setattr("haidang_gateway.alarms.document.messages.encode", fail)
        with pytest.raises(OSError):  # noqa: PT011 (any error will do)
            city.smoke("alarm")
    (document,) = city.smoke("alarm")
    assert document["id"].endswith("-0001")
