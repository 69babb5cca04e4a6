"""Sentences of the list of open alarms for a person at the gateway, Vietnamese and English."""

from collections.abc import Mapping
from typing import Any

_STATES_VI = {"suspected": "nghi ngờ", "confirmed": "đã xác nhận"}
_SEVERITIES_VI = {
    "Extreme": "đặc biệt nghiêm trọng",
    "Severe": "nghiêm trọng",
    "Moderate": "trung bình",
    "Minor": "nhẹ",
    "Unknown": "chưa rõ mức độ",
}
_CERTAINTIES_VI = {
    "Observed": "hai nguồn cùng thấy",
    "Likely": "rất có thể",
    "Possible": "có thể",
    "Unlikely": "ít khả năng",
    "Unknown": "chưa rõ độ tin cậy",
}
_SENTENCES = {
    "none": {"vi": "không có báo động nào đang mở", "en": "no alarm is open"},
    "ack": {"vi": "{by} đã tiếp nhận lúc {time}", "en": "acknowledged {time} by {by}"},
    "shelved": {"vi": "{by} tạm ẩn đến {time}", "en": "shelved until {time} by {by}"},
    "exercise": {
        "vi": "diễn tập tại {place} đến {time}, do {by}",
        "en": "exercise at {place} until {time}, by {by}",
    },
}


def words(document: Mapping[str, Any], language: str) -> str:
    """State, severity and certainty of an open alarm; in English the contract's own words."""
    state, severity, certainty = (document[key] for key in ("state", "severity", "certainty"))
    if language == "en":
        return f"{state}, {severity}, {certainty}"
    return f"{_STATES_VI[state]}, {_SEVERITIES_VI[severity]}, {_CERTAINTIES_VI[certainty]}"


def sentence(name: str, language: str, **fields: str) -> str:
    """One of the list's other sentences with its fields filled in."""
    return _SENTENCES[name][language].format(**fields)
