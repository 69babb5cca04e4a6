"""Messages: written in one order, checked field by field, unknown fields kept."""

from haidang_wire import messages
from haidang_wire.errors import MessageError, NewerVersion
from wire_expect import refused

ACK = {"he": "9f3c01aa", "hb": 7, "s": [[1200, 1234], [1240, 1240]]}


def status():
    return {
        "v": 1,
        "state": "online",
        "fw": "1.4.0",
        "slot": "a",
        "he": "9f3c01aa",
        "hb": 7,
        "reset": "power_on",
        "up_ms": 1234,
        "heartbeat_s": 30,
        "sensors": ["smoke", "flood"],
        "boots": [
            {"hb": 6, "next": 8801, "held": [[8790, 8800]], "dropped": [[8000, 8100, "full"]]},
            {"hb": 7, "next": 12, "held": [[9, 11]], "dropped": []},
        ],
    }


def test_the_contracts_examples_are_written_byte_for_byte():
    assert messages.encode("ack", ACK) == b'{"he":"9f3c01aa","hb":7,"s":[[1200,1234],[1240,1240]]}'
    assert messages.encode("offline", {"state": "offline", "v": 1}) == b'{"v":1,"state":"offline"}'
    assert messages.encode("status", status()) == (
        b'{"v":1,"state":"online","fw":"1.4.0","slot":"a","he":"9f3c01aa","hb":7,'
        b'"reset":"power_on","up_ms":1234,"heartbeat_s":30,"sensors":["smoke","flood"],'
        b'"boots":[{"hb":6,"next":8801,"held":[[8790,8800]],"dropped":[[8000,8100,"full"]]},'
        b'{"hb":7,"next":12,"held":[[9,11]],"dropped":[]}]}'
    )


def test_a_status_is_online_or_offline():
    assert messages.decode("status", b'{"v":1,"state":"offline"}')["state"] == "offline"
    assert "state" in refused(MessageError, messages.check, "status", {"v": 1})
    assert "asleep" in refused(MessageError, messages.check, "status", {"v": 1, "state": "asleep"})


def test_unknown_fields_are_kept_and_written_last():
    doc = messages.decode(
        "ack", b'{"zz":[1,{"b":1,"a":"\xc3\xa9"}],"hb":7,"he":"9f3c01aa","s":[]}'
    )
    assert doc["zz"] == [1, {"b": 1, "a": "é"}]
    data = messages.encode("ack", doc)
    assert data == b'{"he":"9f3c01aa","hb":7,"s":[],"zz":[1,{"a":"\xc3\xa9","b":1}]}'


def test_a_higher_version_is_told_apart():
    doc = status()
    doc["v"] = 2
    assert "version 2" in refused(NewerVersion, messages.check, "status", doc)
    doc["v"] = 0
    refused(MessageError, messages.check, "status", doc)


def test_the_first_wrong_field_is_named_with_its_path():
    for path, value in (
        ("fw", ""),
        ("fw", 1),
        ("slot", "c"),
        ("he", "9f3c01ag"),
        ("hb", -1),
        ("hb", True),
        ("hb", 7.0),
        ("up_ms", 1 << 53),
        ("heartbeat_s", 0),
        ("sensors", ["gas"]),
        ("sensors", "smoke"),
        ("boots", [{}]),
        ("boots", [1]),
    ):
        doc = status()
        doc[path] = value
        assert refused(MessageError, messages.check, "status", doc).startswith("status." + path)
    doc = status()
    doc["boots"][1]["held"] = [[5, 4]]
    assert "status.boots[1].held" in refused(MessageError, messages.check, "status", doc)
    del doc["boots"]
    assert refused(MessageError, messages.check, "status", doc) == "status.boots is missing"


def test_ranges_rise_and_drops_have_a_cause():
    for wrong in ([[1]], [[2, 1]], [[1, 2], [2, 3]], [[5, 6], [1, 2]], [[-1, 1]], [1], [[1, "2"]]):
        doc = {"he": "9f3c01aa", "hb": 7, "s": wrong}
        refused(MessageError, messages.check, "ack", doc)
    for wrong in ([[1, 2]], [[1, 2, ""]], [[1, 2, 3]], [[2, 1, "full"]]):
        doc = status()
        doc["boots"][0]["dropped"] = wrong
        refused(MessageError, messages.check, "status", doc)


def test_a_reply_says_why_it_failed():
    messages.check("reply", {"id": "c-31", "ok": True, "out": {"a": 1}})
    messages.check("reply", {"id": "c-31", "ok": False, "err": "no", "hint": "yes"})
    refused(MessageError, messages.check, "reply", {"id": "c-31", "ok": False})
    refused(MessageError, messages.check, "reply", {"id": "c-31", "ok": 1})


def test_free_objects_are_bounded_in_depth():
    deep = {}
    for _ in range(9):
        deep = {"a": deep}
    doc = {"id": "c-31", "do": "config", "args": deep, "exp_ms": 1}
    refused(MessageError, messages.check, "cmd", doc)
    refused(MessageError, messages.check, "ack", {"he": "9f3c01aa", "hb": 1, "s": [], "x": deep})


def test_what_is_no_message_is_refused():
    for data in (b"", b"[]", b"1", b"{", b'{"he":}', b"\xff", b"{}" + b" " * 8192, b"[" * 8000):
        refused(MessageError, messages.decode, "ack", data)
    refused(MessageError, messages.decode, "akk", b"{}")
    refused(MessageError, messages.encode, "ack", {"he": "9f3c01aa"})
