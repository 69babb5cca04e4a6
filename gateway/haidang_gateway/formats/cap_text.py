"""The sentences of CAP messages in Vietnamese and English, for people without our training."""

from collections.abc import Iterator, Mapping
from typing import Any

Both = Mapping[str, str]

EVENTS: Mapping[str, Both] = {
    "fire": {"vi": "Cháy", "en": "Fire"},
    "flood": {"vi": "Ngập lụt", "en": "Flood"},
    "crowd": {"vi": "Đông người", "en": "Crowd"},
    "device": {"vi": "Thiết bị giám sát", "en": "Monitoring device"},
}
INSTRUCTIONS: Mapping[str, Both] = {
    "fire": {
        "vi": "Rời khỏi khu vực, không dùng thang máy. Gọi 114 nếu thấy người bị nạn.",
        "en": "Leave the area and do not use lifts. Call 114 if people are in danger.",
    },
    "flood": {
        "vi": "Tránh khu vực ngập, không lội hoặc lái xe qua nước chảy. Lên chỗ cao.",
        "en": "Keep away from the water, do not walk or drive through it. Go to higher ground.",
    },
    "crowd": {
        "vi": "Đừng đến thêm khu vực này. Người đang ở đó: đi chậm, không xô đẩy, "
        "ra lối gần nhất.",
        "en": "Do not come to this area. If you are there: walk slowly, do not push, take the "
        "nearest way out.",
    },
    "device": {
        "vi": "Không có nguy hiểm trực tiếp. Thiết bị cần được kiểm tra; khu vực này có thể không "
        "được giám sát.",
        "en": "No direct danger. The device needs a look; this area may not be watched meanwhile.",
    },
    "ended": {
        "vi": "Không cần làm gì thêm. Hãy theo hướng dẫn của lực lượng tại chỗ.",
        "en": "Nothing more is to be done. Follow the people in charge on site.",
    },
}
STATES: Mapping[str, Both] = {
    "suspected": {"vi": "nghi ngờ, đang xác minh", "en": "suspected, being verified"},
    "confirmed": {"vi": "đã xác nhận", "en": "confirmed"},
    "cleared": {"vi": "đã kết thúc", "en": "over"},
    "dismissed": {"vi": "báo nhầm, đã hủy", "en": "false alarm, dismissed"},
}
_CERTAINTIES: Mapping[str, Both] = {
    "Observed": {"vi": "hai nguồn độc lập cùng thấy", "en": "seen by two independent sources"},
    "Likely": {"vi": "rất có thể", "en": "likely"},
    "Possible": {"vi": "có thể", "en": "possible"},
    "Unlikely": {"vi": "ít khả năng", "en": "unlikely"},
    "Unknown": {"vi": "không rõ", "en": "unknown"},
}
_WORDS: Mapping[str, Both] = {
    "state": {"vi": "Tình trạng", "en": "State"},
    "certainty": {"vi": "Độ tin cậy", "en": "Certainty"},
    "place": {"vi": "Địa điểm", "en": "Place"},
    "since": {"vi": "Từ", "en": "Since"},
    "ack": {"vi": "Đã tiếp nhận bởi", "en": "Taken over by"},
}


def described(document: Mapping[str, Any], key: str) -> str:
    """What is known, as sentences in the language `key` ("vi" or "en")."""
    return " ".join(_sentences(document, key))


def _sentences(document: Mapping[str, Any], key: str) -> Iterator[str]:
    place = document["place"]
    name = place["name"] if key == "vi" else place.get("name_en", place["name"])
    yield f"{_WORDS['state'][key]}: {STATES[document['state']][key]}."
    yield f"{_WORDS['certainty'][key]}: {_CERTAINTIES[document['certainty']][key]}."
    yield f"{_WORDS['place'][key]}: {name}."
    yield f"{_WORDS['since'][key]}: {_clock(document['onset'])}."
    if document["ack"]:
        yield f"{_WORDS['ack'][key]} {document['ack']['by']}."


def _clock(moment: str) -> str:
    return f"{moment[11:16]} {moment[8:10]}/{moment[5:7]}/{moment[:4]}"
