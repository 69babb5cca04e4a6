"""Sentences for operators, Vietnamese and English: the one place for language in the gateway."""

from haidang_gateway.site import Place

Headline = dict[str, str]

_LEVELS_VI = {"watch": "mức theo dõi", "warning": "mức cảnh báo", "danger": "mức nguy hiểm"}
_LEVELS_EN = {"watch": "watch level", "warning": "warning level", "danger": "danger level"}
_ALERTS = {"watch": "I", "warning": "II", "danger": "III"}


def fire_headline(place: Place, state: str, *, strong: bool, was_confirmed: bool) -> Headline:
    """Headline of a fire alarm; `strong` tells flames or alarm from first smoke."""
    vi, en = place.name, place.name_en
    if state == "confirmed":
        return {"vi": f"Cháy tại {vi} - đã xác nhận", "en": f"Fire at {en} - confirmed"}
    if state == "cleared" and was_confirmed:
        return {"vi": f"Cháy tại {vi} - đã kết thúc", "en": f"Fire at {en} - over"}
    if state == "cleared":
        return {
            "vi": f"Nghi cháy tại {vi} - đã hết dấu hiệu, chưa từng xác nhận",
            "en": f"Possible fire at {en} - signs gone, never confirmed",
        }
    if strong:
        return {
            "vi": f"Nghi cháy tại {vi} - đang xác minh",
            "en": f"Possible fire at {en} - being verified",
        }
    return {"vi": f"Dấu hiệu khói tại {vi}", "en": f"Signs of smoke at {en}"}


def flood_headline(
    place: Place, level: str | None, level_mm: int | None, *, official: bool, cleared: bool
) -> Headline:
    """Headline of a flood alarm; `official` levels are báo động I, II, III."""
    vi, en = place.name, place.name_en
    if cleared or level is None:
        return {
            "vi": f"Nước tại {vi} đã xuống dưới mức theo dõi{_metres_vi(level_mm)}",
            "en": f"Water at {en} is back below the watch level{_metres_en(level_mm)}",
        }
    if official:
        alert = _ALERTS[level]
        return {
            "vi": f"Nước tại {vi} trên báo động {alert}{_metres_vi(level_mm)}",
            "en": f"Water at {en} above alert level {alert}{_metres_en(level_mm)}",
        }
    return {
        "vi": f"Ngập tại {vi} - {_LEVELS_VI[level]}{_metres_vi(level_mm)}",
        "en": f"Flooding at {en} - {_LEVELS_EN[level]}{_metres_en(level_mm)}",
    }


def crowd_headline(
    place: Place, level: str | None, count: float, density_m2: float | None
) -> Headline:
    """Headline of a crowd alarm; `level` None where the crowd has thinned out."""
    people = round(count)
    if level is None:
        return {
            "vi": f"Đám đông tại {place.name} đã giãn - khoảng {people} người",
            "en": f"Crowd at {place.name_en} has thinned out - about {people} people",
        }
    vi = f"Đông người tại {place.name} - {_LEVELS_VI[level]}, khoảng {people} người"
    en = f"Crowd at {place.name_en} - {_LEVELS_EN[level]}, about {people} people"
    if density_m2 is not None:
        vi += f" ({_comma(f'{density_m2:.1f}')} người/m²)"
        en += f" ({density_m2:.1f} per m²)"
    return {"vi": vi, "en": en}


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


def _metres_vi(level_mm: int | None) -> str:
    return "" if level_mm is None else f": {_comma(f'{level_mm / 1000:.2f}')} m"


def _metres_en(level_mm: int | None) -> str:
    return "" if level_mm is None else f": {level_mm / 1000:.2f} m"


def _comma(number: str) -> str:
    return number.replace(".", ",")
