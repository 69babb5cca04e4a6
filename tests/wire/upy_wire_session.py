"""The client session: limits of the server, acknowledgements, keepalive, wrong moments."""

from haidang_wire.errors import (
    MalformedPacket,
    PacketTooLarge,
    ProtocolError,
    Refused,
    WindowFull,
)
from haidang_wire.mqtt5 import (
    SESSION,
    Acknowledged,
    Closed,
    Connack,
    Connect,
    Decoder,
    Disconnect,
    Message,
    Pingreq,
    Pingresp,
    Pong,
    Puback,
    Publish,
    Session,
    Suback,
    Subscribe,
    Subscribed,
    Will,
    encode,
)
from wire_expect import refused


def opened(properties=None, **settings):
    session = Session("n-240ac4123456", **settings)
    session.receive(encode(Connack(False, 0, properties or {})))
    return session


def packet_of(data):
    decoder = Decoder(8192)
    decoder.feed(data)
    return decoder.next()


def incoming(packet_id, topic="a"):
    return encode(Publish(topic, b"x", 1, False, False, packet_id, {}))


def test_connect_carries_the_contracts_rules():
    will = Will("a", b"b", 1, True, SESSION["will_delay_s"])
    packet = packet_of(Session("n-1", will=will, username="u").connect())
    rules = {0x11: 3600, 0x21: 16, 0x27: 2048}
    assert packet == Connect("n-1", False, 30, will, "u", None, rules)


def test_connack_tells_the_servers_limits():
    session = Session("n-1")
    properties = {0x21: 5, 0x13: 20, 0x24: 0, 0x25: 0, 0x27: 100, 0x12: "given"}
    events = session.receive(encode(Connack(True, 0, properties)))
    assert events == [(True, 5, 20, 0, False, 100, "given")]
    refused(ProtocolError, session.publish, "a", b"")
    refused(ProtocolError, session.publish, "a", b"", 0, True)
    refused(PacketTooLarge, session.publish, "a", b"x" * 100, 0)


def test_a_refusal_tells_its_reason_in_words_and_whether_to_try_again():
    for code, words, retryable in (
        (0x87, "not authorised", False),
        (0x88, "server unavailable", True),
        (0x8C, "unknown reason", False),
    ):
        session = Session("n-1")
        assert words in refused(Refused, session.receive, encode(Connack(False, code, {})))
        assert Refused(code).code == code
        assert Refused(code).retryable == retryable


def test_the_servers_window_bounds_publishes_until_it_acknowledges():
    session = opened({0x21: 2})
    assert [session.publish("a", b"")[0] for _ in range(2)] == [1, 2]
    assert not session.can_publish
    refused(WindowFull, session.publish, "a", b"")
    assert session.publish("a", b"", 0)[0] == 0
    assert session.receive(encode(Puback(1, 0x10))) == [Acknowledged(1, 0x10)]
    assert session.can_publish
    assert session.publish("a", b"")[0] == 3


def test_a_failed_publish_takes_no_place():
    session = opened({0x21: 1, 0x27: 20})
    refused(PacketTooLarge, session.publish, "a", b"x" * 20)
    refused(ProtocolError, session.publish, "a/+", b"")
    assert session.can_publish


def test_packet_ids_wrap_and_skip_those_in_use():
    session = opened()
    held = session.publish("a", b"")[0]
    last = 0
    for _ in range(0xFFFF):
        last = session.publish("a", b"")[0]
        session.receive(encode(Puback(last, 0)))
    assert held == 1
    assert last == 2


def test_publishing_carries_retain_and_expiry():
    session = opened()
    _, data = session.publish("a", b"x", retain=True, expiry_s=60)
    assert packet_of(data) == Publish("a", b"x", 1, True, False, 1, {0x02: 60})


def test_an_incoming_message_is_acknowledged_when_the_caller_says_so_and_once():
    session = opened()
    assert session.receive(incoming(9)) == [Message("a", b"x", 1, False, 9)]
    assert packet_of(session.acknowledge(9)) == Puback(9, 0)
    refused(ProtocolError, session.acknowledge, 9)


def test_a_server_that_passes_our_receive_maximum_is_served():
    session = opened(receive_maximum=2)
    session.receive(incoming(1) + incoming(2) + incoming(2))
    assert session.receive(incoming(3))[0].packet_id == 3
    for packet_id in (1, 2, 3):
        assert packet_of(session.acknowledge(packet_id)) == Puback(packet_id, 0)


def test_subscribing_tells_what_was_granted():
    session = opened()
    packet_id, data = session.subscribe(["a/+", "b"], no_local=True, retain_handling=2)
    assert packet_of(data) == Subscribe(packet_id, (("a/+", 0x25), ("b", 0x25)))
    events = session.receive(encode(Suback(packet_id, (1, 0x87))))
    assert events == [Subscribed(packet_id, (1, 0x87))]


def test_what_comes_at_the_wrong_moment_is_refused():
    refused(ProtocolError, Session("n-1").receive, encode(Pingresp()))
    refused(ProtocolError, Session("n-1").publish, "a", b"")
    for packet in (
        Connack(False, 0, {}),
        Puback(5, 0),
        Suback(5, (0,)),
        Pingreq(),
        Connect("a", True, 0, None, None, None, {}),
        Subscribe(1, (("a", 0),)),
        Publish("a", b"", 0, False, False, 0, {0x23: 1}),
    ):
        refused(ProtocolError, opened().receive, encode(packet))
    refused(MalformedPacket, opened().receive, b"\x00\x00")


def test_a_closing_server_gives_its_reason_and_nothing_more_is_sent():
    session = opened()
    assert session.receive(encode(Disconnect(0x8E))) == [Closed(0x8E)]
    refused(ProtocolError, session.publish, "a", b"")
    session = opened()
    assert packet_of(session.disconnect(4)) == Disconnect(4)
    refused(ProtocolError, session.publish, "a", b"")


def test_pings_keep_a_quiet_connection_and_find_a_dead_one():
    session = opened()
    assert session.ping(1000) is None
    assert session.ping(15999) is None
    assert packet_of(session.ping(16000)) == Pingreq()
    assert session.ping(20000) is None
    assert session.receive(encode(Pingresp())) == [Pong()]
    assert session.ping(21000) is None
    assert session.ping(35999) is not None
    assert session.ping(50998) is None
    assert "keepalive" in refused(ProtocolError, session.ping, 50999)


def test_sending_much_does_not_hide_a_dead_server():
    session = opened()
    session.ping(0)
    for now_ms in range(1000, 15000, 1000):
        session.sent(now_ms)
        assert session.ping(now_ms) is None
    session.sent(15000)
    assert session.ping(15000) is not None


def test_the_servers_keepalive_wins_and_none_means_no_pings():
    session = opened({0x13: 2})
    session.ping(0)
    assert session.ping(1000) is not None
    session = opened(keepalive_s=0)
    session.ping(0)
    assert session.ping(10000000) is None
