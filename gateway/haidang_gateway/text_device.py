"""Sentences for operators about devices: silent, blind, in safe mode, well again."""

from haidang_gateway.site import Place
from haidang_gateway.text import Headline, source_name

_SENSORS_VI = {
    "smoke": "Cảm biến khói",
    "flood": "Cảm biến mực nước",
    "footfall": "Bộ đếm thiết bị",
    "env": "Cảm biến môi trường",
    "camera": "Camera",
}
_SENSORS_EN = {
    "smoke": "Smoke sensor",
    "flood": "Water level sensor",
    "footfall": "Device counter",
    "env": "Environment sensor",
    "camera": "Camera",
}
_FAULTS_VI = {
    "open": "đứt dây",
    "short": "chập mạch",
    "silent": "không có tín hiệu",
    "stuck": "giá trị đứng yên",
    "noisy": "tín hiệu nhiễu",
}
_FAULTS_EN = {
    "open": "broken wire",
    "short": "short circuit",
    "silent": "no signal",
    "stuck": "stuck value",
    "noisy": "noisy",
}

# Where the general word would mislead: what it means for this very sensor (docs/sensors/).
_SPECIAL_VI = {
    ("smoke", "stuck"): "hỏng: giá trị đứng yên",
    ("flood", "stuck"): "bị che hoặc kẹt: không đo được mực nước",
    ("flood", "silent"): "hỏng: máy đo im lặng",
    ("flood", "noisy"): "hỏng: dữ liệu máy đo bị lỗi",
    ("footfall", "silent"): "hỏng: bộ dò Wi-Fi im lặng",
    ("footfall", "noisy"): "hỏng: dữ liệu bộ dò Wi-Fi bị lỗi",
    ("footfall", "stuck"): "đã ngừng đếm: khóa ẩn danh không đổi",
    ("camera", "stuck"): "hỏng: hình đứng yên",
    ("camera", "silent"): "không có hình",
    ("camera", "black"): "không thấy gì: hình đen hoặc ống kính bị che",
    ("camera", "blinded"): "bị chói: nắng hoặc đèn chiếu vào ống kính",
    ("camera", "blurred"): "bị mờ: mất nét hoặc ống kính bẩn",
    ("camera", "turned"): "bị xoay: không còn nhìn đúng chỗ",
}
_SPECIAL_EN = {
    ("smoke", "stuck"): "has failed: its value stands still",
    ("flood", "stuck"): "is blocked or stuck: no level can be measured",
    ("flood", "silent"): "has failed: its meter is silent",
    ("flood", "noisy"): "has failed: garbled meter data",
    ("footfall", "silent"): "has failed: its sniffer is silent",
    ("footfall", "noisy"): "has failed: garbled sniffer data",
    ("footfall", "stuck"): "has stopped counting: its key stays",
    ("camera", "stuck"): "has failed: the picture stands still",
    ("camera", "silent"): "sends no pictures",
    ("camera", "black"): "sees nothing: black picture or covered lens",
    ("camera", "blinded"): "is blinded: sun or a lamp shines in",
    ("camera", "blurred"): "is blurred: out of focus or dirty lens",
    ("camera", "turned"): "was turned: it looks elsewhere",
}

_STORE = {
    "rebuilt": (
        "Cơ sở dữ liệu của trạm {} đã hỏng và được dựng lại",
        "The database of gateway {} was broken and has been rebuilt",
    ),
    "restored": (
        "Cơ sở dữ liệu của trạm {} đã được khôi phục từ bản sao lưu",
        "The database of gateway {} was restored from a backup",
    ),
    "full": (
        "Ổ đĩa của trạm {} đã đầy, số liệu cũ đang bị xóa",
        "The disk of gateway {} is full, old data is being dropped",
    ),
    "failing": ("Ổ đĩa của trạm {} bị lỗi", "The disk of gateway {} fails"),
    "ok": (
        "Cơ sở dữ liệu của trạm {} hoạt động bình thường",
        "The database of gateway {} works normally",
    ),
}

_POWER = {
    "low": (
        "Nguồn điện của {} tại {} yếu: sắp hết pin hoặc hỏng bộ nguồn, có thể sắp mất liên lạc",
        "The supply of {} at {} is low: battery or power supply, contact may be lost soon",
    ),
    "high": (
        "Nguồn điện của {} tại {} quá cao: ngắt nguồn và kiểm tra bộ nguồn",
        "The supply of {} at {} is too high: cut it off and check the power supply",
    ),
    "ok": ("Nguồn điện của {} tại {} đã tốt trở lại", "The supply of {} at {} is well again"),
}


def silence_headline(place: Place, source: str, *, back: bool) -> Headline:
    """Headline of the alarm for a node or camera that is not heard any more."""
    vi, en = source_name(source)
    if back:
        return {
            "vi": f"{vi} tại {place.name} đã hoạt động lại",
            "en": f"{en} at {place.name_en} is back",
        }
    return {
        "vi": f"Mất liên lạc với {vi[0].lower()}{vi[1:]} tại {place.name}",
        "en": f"Lost contact with {en[0].lower()}{en[1:]} at {place.name_en}",
    }


def safe_mode_headline(place: Place, source: str, *, over: bool) -> Headline:
    """Headline of the alarm for a node that started badly and reads no sensor."""
    vi, en = source_name(source)
    if over:
        return {
            "vi": f"{vi} tại {place.name} đã chạy bình thường trở lại",
            "en": f"{en} at {place.name_en} runs normally again",
        }
    return {
        "vi": f"{vi} tại {place.name} ở chế độ an toàn: cảm biến không được đọc",
        "en": f"{en} at {place.name_en} is in safe mode: its sensors are not read",
    }


def broker_headline(source: str, *, back: bool) -> Headline:
    """Headline of the alarm for the gateway's own broker ("gateway:<id>")."""
    gateway = source.partition(":")[2]
    if back:
        return {
            "vi": f"Máy chủ MQTT của trạm {gateway} đã hoạt động lại",
            "en": f"The gateway's broker of {gateway} is back",
        }
    return {
        "vi": f"Mất máy chủ MQTT của trạm {gateway}: không nhận được tin của nút Wi-Fi",
        "en": f"The gateway's broker of {gateway} is away: no Wi-Fi node can be heard",
    }


def store_headline(source: str, word: str) -> Headline:
    """Headline of the alarm for the gateway's own database ("ok": all is well again)."""
    gateway = source.partition(":")[2]
    vi, en = _STORE[word]
    return {"vi": vi.format(gateway), "en": en.format(gateway)}


def power_headline(place: Place, source: str, word: str) -> Headline:
    """Headline of the alarm for a node's supply ("ok": it is within its limits again)."""
    (vi, en), (name_vi, name_en) = _POWER[word], source_name(source)
    return {
        "vi": vi.format(f"{name_vi[0].lower()}{name_vi[1:]}", place.name),
        "en": en.format(f"{name_en[0].lower()}{name_en[1:]}", place.name_en),
    }


def fault_headline(place: Place, sensor: str, health: str, source: str) -> Headline:
    """Headline of a known sensor's fault; `health` is a word of the contract ("ok": repaired)."""
    vi = _SENSORS_VI[sensor]
    en = _SENSORS_EN[sensor]
    name_vi, name_en = source_name(source)
    where_vi, where_en = f"{place.name} ({name_vi})", f"{place.name_en} ({name_en})"
    if health == "uncalibrated":
        return {
            "vi": f"{vi} tại {where_vi} đo lại được, nhưng chưa hiệu chuẩn",
            "en": f"{en} at {where_en} works again, not yet calibrated",
        }
    if health not in _FAULTS_VI and (sensor, health) not in _SPECIAL_VI:
        return {
            "vi": f"{vi} tại {where_vi} đã tốt trở lại",
            "en": f"{en} at {where_en} is well again",
        }
    fault_vi = _SPECIAL_VI.get((sensor, health)) or f"hỏng: {_FAULTS_VI[health]}"
    fault_en = _SPECIAL_EN.get((sensor, health)) or f"has failed: {_FAULTS_EN[health]}"
    return {"vi": f"{vi} tại {where_vi} {fault_vi}", "en": f"{en} at {where_en} {fault_en}"}
