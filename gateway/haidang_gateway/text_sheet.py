"""Sentences of the self-test and calibration sheets: every code that a node's checks may have.

A code of a firmware that this gateway does not know yet is printed as it came.
"""

from typing import NamedTuple


class Check(NamedTuple):
    """What one check of a self-test asks, in both languages, and the unit of its value."""

    vi: str
    en: str
    unit: str = ""


# By code; "kind/code" where the same code means something special for one kind of sensor.
CHECKS = {
    "health": Check("Tình trạng chung", "General health"),
    "reading": Check("Có số đo", "Has a reading"),
    "answers": Check("Cảm biến có trả lời", "The sensor answers"),
    "checksum": Check("Dữ liệu đúng mã kiểm tra", "Data have the right checksum"),
    "moves": Check("Giá trị có thay đổi", "The value moves"),
    "trim": Check("Hiệu chỉnh trong giới hạn", "Trim is within its limit"),
    "env/trim": Check("Hiệu chỉnh nhiệt độ", "Temperature trim", "0.01 °C"),
    "temp": Check("Nhiệt độ hợp lý", "Temperature is plausible", "0.01 °C"),
    "rh": Check("Độ ẩm hợp lý", "Humidity is plausible", "0.1 %RH"),
    "adc": Check("Điện áp cảm biến trong giới hạn", "Sensor voltage is within limits", "mV"),
    "supply": Check("Nguồn 5 V trong giới hạn", "5 V supply is within limits", "mV"),
    "heater": Check("Sợi đốt đã nóng; số giờ đã đốt", "Heater is warm; hours of heating", "h"),
    "burn_in": Check("Đã qua thời gian chạy rà", "Burn-in is over", "h"),
    "noise": Check("Tín hiệu có nhiễu tự nhiên", "Signal has its natural noise", "‰"),
    "baseline": Check("Không khí sạch đã học", "Clean air as learnt", "‰"),
    "line": Check("Đường dây tiếp điểm nguyên vẹn", "Contact line is whole", "mV"),
    "flood/answers": Check("Máy đo trả lời; số lần", "The meter answers; times in 3 s"),
    "frames": Check(
        "Khung dữ liệu nguyên vẹn; khung hỏng", "Frames are whole (baud rate, wire); broken ones"
    ),
    "beam": Check("Không có vật che; số giây không đo được", "Beam is free; without a level", "s"),
    "zero": Check("Điểm không trong giới hạn", "Zero trim is within its limit", "mm"),
    "sound": Check(
        "Đã hiệu chuẩn tốc độ âm thanh; nhiệt độ", "Speed of sound calibrated; air", "0.01 °C"
    ),
    "loop": Check("Dòng hoặc điện áp trong giới hạn", "Current or voltage is within limits"),
    "flood/reading": Check("Có mực nước", "Has a level", "mm"),
    "float": Check("Phao khớp với máy đo", "Float agrees with the meter"),
    "footfall/answers": Check(
        "Bộ dò Wi-Fi trả lời; cửa sổ số", "The sniffer answers; window number"
    ),
    "heard": Check("Bộ dò Wi-Fi nghe được điện thoại", "The sniffer hears phones"),
    "counter": Check("Bộ đếm chạy", "Its counter runs"),
    "key": Check("Khóa ẩn danh được thay; đã dùng", "Its key is changed; now in use for", "s"),
    "siren": Check("Còi kêu một tiếng: có nghe thấy?", "Siren chirped: did you hear it?"),
}
SENSORS = {
    "smoke": ("Cảm biến khói", "Smoke sensor"),
    "flood": ("Cảm biến mực nước", "Water level sensor"),
    "footfall": ("Bộ đếm thiết bị", "Device counter"),
    "env": ("Cảm biến môi trường", "Environment sensor"),
}
# What the word means and what to do; the same as in docs/sensors/README.md.
HEALTH = {
    "ok": ("tốt", "well"),
    "warming": ("đang làm nóng hoặc chờ số đo đầu tiên: chờ", "warming or no reading yet: wait"),
    "open": ("đứt dây hoặc hỏng đầu đo: kiểm tra dây", "wire or element broken: check the wires"),
    "short": ("chập mạch: kiểm tra dây, nước đọng", "short circuit: check wires, water in plugs"),
    "silent": (
        "không trả lời: kiểm tra nguồn, dây, chân",
        "no answer: check supply, wires, pin numbers",
    ),
    "noisy": (
        "nhiễu: rút ngắn dây, tách khỏi dây điện",
        "disturbed: shorten the cable, keep it off power lines",
    ),
    "stuck": (
        "giá trị đứng yên: xem vật che, thay cảm biến",
        "value stands still: look for an obstacle, replace it",
    ),
    "uncalibrated": ("chưa hiệu chuẩn: chạy calibrate", "not calibrated: run calibrate"),
}
# Fields of node.json that calibrate sets, with their units.
FIELDS = {
    "r0_ohm": Check("Điện trở trong không khí sạch", "Resistance in clean air", "Ω"),
    "mount_mm": Check("Độ cao lắp đặt", "Mounting height", "mm"),
    "zero_mm": Check("Điểm không của đầu đo áp suất", "Zero of the transducer", "mm"),
    "sound_cc": Check(
        "Nhiệt độ ứng với tốc độ âm thanh", "Its speed of sound is that of", "0.01 °C"
    ),
    "temp_offset_cc": Check("Hiệu chỉnh nhiệt độ", "Temperature trim", "0.01 °C"),
    "rh_offset_permille": Check("Hiệu chỉnh độ ẩm", "Humidity trim", "0.1 %RH"),
}
WORDS = {
    "selftest": Check("PHIẾU TỰ KIỂM TRA NÚT CẢM BIẾN", "SENSOR NODE SELF-TEST SHEET"),
    "calibrate": Check("PHIẾU HIỆU CHUẨN CẢM BIẾN", "SENSOR CALIBRATION SHEET"),
    "node": Check("Nút", "Node"),
    "place": Check("Nơi đặt", "Place"),
    "time": Check("Thời gian", "Time"),
    "firmware": Check("Phần mềm", "Firmware"),
    "configuration": Check("Cấu hình", "Configuration"),
    "limit": Check("giới hạn", "limit"),
    "before": Check("trước", "before"),
    "after": Check("sau", "after"),
    "pass": Check("ĐẠT", "PASS"),
    "fail": Check("KHÔNG ĐẠT", "FAIL"),
    "result": Check("KẾT LUẬN", "RESULT"),
    "refused": Check("Nút từ chối", "The node refused"),
    "advice": Check("Việc cần làm", "What to do"),
    "technician": Check("Người kiểm tra", "Technician"),
    "signature": Check("Ký tên", "Signature"),
}
