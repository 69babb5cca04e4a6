"""Sentences for operators about water: levels reached, levels to come, high water upstream."""

from haidang_gateway.site import Place
from haidang_gateway.text import LEVELS_EN, LEVELS_VI, Headline, decimal_vi

_ALERTS = {"watch": "I", "warning": "II", "danger": "III"}
_HOUR_S = 3600


def flood_headline(
    place: Place,
    level: str,
    level_mm: int | None,
    *,
    official: bool,
    to_next_s: float | None = None,
) -> Headline:
    """Headline of a reached level; `official` levels are báo động I, II, III."""
    vi, en = place.name, place.name_en
    rest_vi, rest_en = _metres_vi(level_mm), _metres_en(level_mm)
    if to_next_s is not None:
        rest_vi += f", đạt mức kế tiếp sau {_duration_vi(to_next_s)}"
        rest_en += f", next level in {_duration_en(to_next_s)}"
    if official:
        alert = _ALERTS[level]
        return {
            "vi": f"Mực nước tại {vi} trên báo động {alert}{rest_vi}",
            "en": f"Water at {en} above alert level {alert}{rest_en}",
        }
    return {
        "vi": f"Ngập tại {vi} - {LEVELS_VI[level]}{rest_vi}",
        "en": f"Flooding at {en} - {LEVELS_EN[level]}{rest_en}",
    }


def flood_over_headline(place: Place, level_mm: int | None) -> Headline:
    """Headline of a flood, or of its forecast, that is over."""
    return {
        "vi": f"Mực nước tại {place.name} đã xuống dưới mức theo dõi{_metres_vi(level_mm)}",
        "en": f"Water at {place.name_en} is back below the watch level{_metres_en(level_mm)}",
    }


def rising_headline(
    place: Place, to_next_s: float, rate_mm_h: int | None, *, official: bool
) -> Headline:
    """Headline of water that will reach the next level at its present rate."""
    vi, en = place.name, place.name_en
    level_vi = "mức báo động" if official else "mức theo dõi"
    level_en = "an alert level" if official else "the watch level"
    rate_vi = rate_en = ""
    if rate_mm_h is not None:
        metres = f"{rate_mm_h / 1000:.1f}"
        rate_vi, rate_en = f" {decimal_vi(metres)} m/giờ", f" by {metres} m/h"
    return {
        "vi": f"Mực nước tại {vi} đang lên{rate_vi}: đạt {level_vi} sau {_duration_vi(to_next_s)}",
        "en": f"Water at {en} rises{rate_en}: {level_en} in {_duration_en(to_next_s)}",
    }


def upstream_headline(upper: Place, place: Place, time: str) -> Headline:
    """Headline of high water that comes down the river; `time` as "22:40"."""
    return {
        "vi": f"Nước cao tại {upper.name}: dự kiến tới {place.name} khoảng {time}",
        "en": f"High water at {upper.name_en}: expected at {place.name_en} about {time}",
    }


def _duration_vi(seconds: float) -> str:
    hours, minutes = _rounded(seconds)
    return f"khoảng {hours} giờ {minutes:02d}" if hours else f"khoảng {minutes} phút"


def _duration_en(seconds: float) -> str:
    hours, minutes = _rounded(seconds)
    return f"about {hours} h {minutes:02d}" if hours else f"about {minutes} min"


def _rounded(seconds: float) -> tuple[int, int]:
    """Hours and minutes, no more exact than a forecast can be: five minutes beyond ten."""
    minutes = max(round(seconds / 60), 1)
    if minutes > 10:
        minutes = round(minutes / 5) * 5
    return divmod(minutes, 60)


def _metres_vi(level_mm: int | None) -> str:
    return "" if level_mm is None else f": {decimal_vi(f'{level_mm / 1000:.2f}')} m"


def _metres_en(level_mm: int | None) -> str:
    return "" if level_mm is None else f": {level_mm / 1000:.2f} m"
