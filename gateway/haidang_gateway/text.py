"""Sentences for operators, Vietnamese and English: the one place for language in the gateway."""

from collections.abc import Mapping
from typing import Any

from haidang_gateway.site import Place

Headline = dict[str, str]

LEVELS_VI = {"watch": "mức theo dõi", "warning": "mức cảnh báo", "danger": "mức nguy hiểm"}
_HAZARDS = {
    "fire": ("cháy", "Fire"),
    "flood": ("ngập", "Flood"),
    "crowd": ("đông người", "Crowd"),
    "device": ("thiết bị", "Device"),
}
LEVELS_EN = {"watch": "watch level", "warning": "warning level", "danger": "danger level"}


def fire_headline(place: Place, state: str, *, strong: bool, was_confirmed: bool) -> Headline:
    """Headline of a fire alarm; `strong` tells flames or alarm from first smoke."""
    vi, en = place.name, place.name_en
    if state == "confirmed":
        return {"vi": f"Cháy tại {vi} - đã xác nhận", "en": f"Fire at {en} - confirmed"}
    if state == "cleared" and was_confirmed:
        return {"vi": f"Cháy tại {vi} - đã kết thúc", "en": f"Fire at {en} - over"}
    if state == "cleared":
        return {
            "vi": f"Nghi cháy tại {vi} - đã hết dấu hiệu, chưa được xác nhận",
            "en": f"Possible fire at {en} - signs gone, never confirmed",
        }
    if strong:
        return {
            "vi": f"Nghi cháy tại {vi} - đang xác minh",
            "en": f"Possible fire at {en} - being verified",
        }
    return {"vi": f"Dấu hiệu khói tại {vi}", "en": f"Signs of smoke at {en}"}


def crowd_headline(
    place: Place,
    level: str | None,
    count: float,
    density_m2: float | None,
    *,
    growing: bool = False,
) -> Headline:
    """Headline of a crowd alarm; `level` None where the crowd has thinned out."""
    people = round(count)
    if level is None:
        return {
            "vi": f"Đám đông tại {place.name} đã giãn - khoảng {people} người",
            "en": f"Crowd at {place.name_en} has thinned out - about {people} people",
        }
    vi = f"Đông người tại {place.name} - {LEVELS_VI[level]}, khoảng {people} người"
    en = f"Crowd at {place.name_en} - {LEVELS_EN[level]}, about {people} people"
    if density_m2 is not None:
        vi += f" ({decimal_vi(f'{density_m2:.1f}')} người/m²)"
        en += f" ({density_m2:.1f} per m²)"
    if growing:
        vi, en = f"{vi}, đang tăng nhanh", f"{en}, growing fast"
    return {"vi": vi, "en": en}


def report_headline(place: Place, hazard: str, state: str) -> Headline:
    """Headline of what people reported at a place; `hazard` is "flood" or "crowd"."""
    vi, en = ("ngập", "flooding") if hazard == "flood" else ("đông người", "a crowd")
    if state == "cleared":
        return {
            "vi": f"Tin báo {vi} tại {place.name} đã hết hiệu lực",
            "en": f"The report of {en} at {place.name_en} has run out",
        }
    if state == "confirmed":
        return {
            "vi": f"Nhiều người báo {vi} tại {place.name}",
            "en": f"Several people report {en} at {place.name_en}",
        }
    return {
        "vi": f"Có người báo {vi} tại {place.name} - đang xác minh",
        "en": f"Somebody reports {en} at {place.name_en} - being verified",
    }


def dismissed_headline(document: Mapping[str, Any]) -> Headline:
    """Headline of an alarm that a person found to be false."""
    place = document["place"]
    vi, en = _HAZARDS[document["hazard"]]
    return {
        "vi": f"Báo động {vi} tại {place['name']}: báo nhầm, đã hủy",
        "en": f"{en} alarm at {place.get('name_en', place['name'])}: false, dismissed",
    }


def exercise_over_headline(document: Mapping[str, Any]) -> Headline:
    """Headline of an exercise's alarm when the exercise has ended."""
    place = document["place"]
    return {
        "vi": f"Diễn tập tại {place['name']} đã kết thúc",
        "en": f"The exercise at {place.get('name_en', place['name'])} is over",
    }


def printable(text: str) -> str:
    """What others wrote, for a log or a terminal: no line breaks, no control sequences."""
    return "".join(sign if sign.isprintable() else "?" for sign in text)


def source_name(source: str) -> tuple[str, str]:
    """Vietnamese and English name of a source ("urn:dev:mac:...", "camera:...")."""
    kind, _, rest = source.partition(":")
    if kind == "camera":
        return f"Camera {rest}", f"Camera {rest}"
    eui = source.rpartition(":")[2]
    mac = eui[:6] + eui[10:] if eui[6:10] == "fffe" else eui
    return f"Nút n-{mac}", f"Node n-{mac}"


def decimal_vi(number: str) -> str:
    """A number with the decimal comma."""
    return number.replace(".", ",")
