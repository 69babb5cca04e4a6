"""Topics: built, parsed, refused."""

from haidang_wire import topics
from haidang_wire.errors import TopicError
from wire_expect import refused

NODE = "n-240ac4123456"


def test_ids_and_base_names_follow_the_mac():
    assert topics.node_id(b"\x24\x0a\xc4\x12\x34\x56") == NODE
    assert topics.base_name(NODE) == "urn:dev:mac:240ac4fffe123456:"
    assert topics.node_of_base_name("urn:dev:mac:240ac4fffe123456:") == NODE
    assert topics.node_of_base_name("urn:dev:mac:240ac4fffe123456") == NODE


def test_every_topic_is_parsed_as_it_was_built():
    for kind in topics.NODE_KINDS:
        assert topics.parse(topics.node_topic(NODE, kind)) == ("n", NODE, kind, None)
    for kind in topics.GATEWAY_KINDS:
        item = "gw-01-5f3a9c1e-0007" if kind in ("alarm", "cap") else None
        topic = topics.gateway_topic("gw-01", kind, item)
        assert topics.parse(topic) == ("g", "gw-01", kind, item)
    assert topics.parse(topics.GW_STATUS) == ("gw", None, "status", None)
    assert topics.node_filter("alarm") == "hd/1/n/+/alarm"


def test_what_is_not_in_the_table_is_refused():
    for topic in (
        "",
        "hd",
        "hd/1/n/n-240ac4123456",
        "hd/1/n/n-240ac4123456/alarm/x",
        "hd/1/n/n-240ac4123456/alarms",
        "hd/1/n/n-240AC4123456/alarm",
        "hd/1/n/n-240ac412345/alarm",
        "hd/1/n/+/alarm",
        "hd/1/n/#",
        "hd/2/n/n-240ac4123456/alarm",
        "xx/1/n/n-240ac4123456/alarm",
        "hd/1/g/gw-01/alarm",
        "hd/1/g/gw-01/alarm/",
        "hd/1/g/gw-01/alarm/A",
        "hd/1/g/gw-01/alarm/a/b",
        "hd/1/g/gw-01/data/a",
        "hd/1/g/gw-/data",
        "hd/1/g/GW-1/data",
        "hd/1/x/gw-01/data",
        "hd/1/gw/statuses",
        "hd/1/g/gw-" + "0" * 200 + "/data",
    ):
        refused(TopicError, topics.parse, topic)


def test_nothing_wrong_is_built():
    refused(TopicError, topics.node_id, b"12345")
    refused(TopicError, topics.node_topic, NODE, "cap")
    refused(TopicError, topics.node_topic, "gw-01", "alarm")
    refused(TopicError, topics.node_filter, "x")
    refused(TopicError, topics.gateway_topic, "gw-01", "alarm")
    refused(TopicError, topics.gateway_topic, "gw-01", "data", "x")
    refused(TopicError, topics.gateway_topic, "gw/01", "data")
    refused(TopicError, topics.base_name, "n-1")
    for name in ("urn:dev:mac:240ac4123456:", "urn:dev:mac:240ac4ffff123456:", "", "urn:x:"):
        refused(TopicError, topics.node_of_base_name, name)


def test_an_error_shows_the_topic_but_not_all_of_a_long_one():
    text = refused(TopicError, topics.parse, "hd/1/q/" + "y" * 100 + "/z")
    assert "hd/1/q/" in text
    assert len(text) < 150
