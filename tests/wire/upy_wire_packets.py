# heap: 600K
"""The MQTT 5 codec: round trips, pieces of any size, and everything that is refused by name."""

from haidang_wire.errors import MalformedPacket, MqttError, PacketTooLarge, ProtocolError
from haidang_wire.mqtt5 import (
    Connack,
    Connect,
    Decoder,
    Disconnect,
    Pingreq,
    Pingresp,
    Puback,
    Publish,
    Suback,
    Subscribe,
    Will,
    encode,
)
from wire_expect import refused

WILL = Will("hd/1/n/n-240ac4123456/status", b'{"v":1,"state":"offline"}', 1, True, 10)
EVERY_PROPERTY = {
    0x11: 3600,
    0x12: "n-1",
    0x13: 30,
    0x15: "method",
    0x16: b"\x00\x01",
    0x1A: "info",
    0x1C: "other",
    0x1F: "Lý do",
    0x21: 16,
    0x22: 0,
    0x24: 1,
    0x25: 1,
    0x26: [("a", "1"), ("a", "2")],
    0x27: 8192,
    0x28: 0,
    0x29: 1,
    0x2A: 1,
}
PACKETS = (
    Connect("n-240ac4123456", False, 30, WILL, None, None, {0x11: 3600, 0x21: 16, 0x27: 8192}),
    Connect("", True, 0, None, "tên", b"\x00", {}),
    Connack(True, 0, {}),
    Connack(False, 0x87, {0x1F: "no"}),
    Connack(False, 0, EVERY_PROPERTY),
    Publish("hd/1/gw/status", b"", 0, False, False, 0, {}),
    Publish("a/b", b"\x00" * 200, 1, True, True, 65535, {0x02: 60, 0x0B: [1, 200], 0x01: 1}),
    Publish("đèn/khói", b"{}", 1, False, False, 1, {0x26: [("", "")]}),
    Puback(1, 0),
    Puback(2, 0x10),
    Puback(65535, 0x87),
    Subscribe(3, (("hd/1/n/+/alarm", 1), ("#", 0x2D))),
    Suback(3, (0, 1, 0x87)),
    Pingreq(),
    Pingresp(),
    Disconnect(0),
    Disconnect(0x8E),
)


def decoded(data, size):
    """All packets in `data`, fed in pieces of `size` bytes."""
    decoder = Decoder(8192)
    packets = []
    for at in range(0, len(data), size):
        decoder.feed(data[at : at + size])
        packet = decoder.next()
        while packet is not None:
            packets.append(packet)
            packet = decoder.next()
    return packets


def first(data, maximum=8192):
    decoder = Decoder(maximum)
    decoder.feed(data)
    return decoder.next()


def test_every_packet_comes_back_as_it_was():
    for packet in PACKETS:
        again = first(encode(packet))
        assert type(again) is type(packet)
        assert again == packet, (again, packet)


def test_pieces_of_any_size_give_the_same_packets():
    data = b"".join([encode(packet) for packet in PACKETS])
    for size in (1, 2, 3, 7, 64, len(data)):
        assert decoded(data, size) == list(PACKETS)


def test_a_cut_packet_waits_and_never_appears():
    for packet in PACKETS:
        data = encode(packet)
        for cut in range(len(data)):
            assert first(data[:cut]) is None


def test_malformed_packets_are_refused_by_name():
    for data in (
        b"\x00\x00",
        b"\x01\x00",
        b"\x21\x03\x00\x00\x00",
        b"\x31\xff\xff\xff\xff\x7f",
        b"\xd0\x80\x00",
        b"\x32\x00",
        b"\x36\x06\x00\x01a\x00\x01\x00",
        b"\x38\x04\x00\x01a\x00",
        b"\x32\x06\x00\x01a\x00\x00\x00",
        b"\x30\x04\x00\x01\xff\x00",
        b"\x30\x05\x00\x02\xc0\x80\x00",
        b"\x30\x06\x00\x03\xed\xa0\x80\x00",
        b"\x30\x04\x00\x01\x00\x00",
        b"\x30\x04\x00\x01+\x00",
        b"\x30\x06\x00\x03a/#\x00",
        b"\x30\x04\x00\x05ab",
        b"\x30\x05\x00\x01a\x05\x01",
        b"\x30\x06\x00\x01a\x02\x11\x01",
        b"\x30\x05\x00\x01a\x01\x01",
        b"\x30\x06\x00\x01a\x02\x80\x01",
        b"\x20\x03\x02\x00\x00",
        b"\x20\x03\x01\x87\x00",
        b"\x20\x03\x00\x01\x00",
        b"\x20\x02\x00\x00",
        b"\x20\x04\x00\x00\x00\x00",
        b"\x40\x00",
        b"\x40\x02\x00\x00",
        b"\x40\x03\x00\x01\x01",
        b"\x40\x05\x00\x01\x00\x00\x00",
        b"\x42\x02\x00\x01",
        b"\x90\x03\x00\x01\x00",
        b"\x90\x04\x00\x01\x00\x03",
        b"\x80\x00",
        b"\x82\x06\x00\x01\x00\x00\x01a",
        b"\x82\x07\x00\x01\x00\x00\x01a\x03",
        b"\xc0\x01\x00",
        b"\xd1\x00",
        b"\xe0\x01\x01",
        b"\x10\x0d\x00\x04MQTT\x05\x03\x00\x00\x00\x00\x00",
        b"\x10\x0d\x00\x04MQTT\x05\x20\x00\x00\x00\x00\x00",
    ):
        refused(MalformedPacket, first, data)


def test_what_breaks_the_protocol_is_refused_by_name():
    for data in (
        b"\x34\x06\x00\x01a\x00\x01\x00",
        b"\x30\x03\x00\x00\x00",
        b"\x30\x08\x00\x01a\x04\x01\x00\x01\x00",
        b"\x30\x06\x00\x01a\x02\x01\x02",
        b"\x30\x07\x00\x01a\x03\x23\x00\x00",
        b"\x20\x06\x00\x00\x03\x21\x00\x00",
        b"\x50\x02\x00\x01",
        b"\x62\x02\x00\x01",
        b"\xf0\x00",
        b"\x82\x03\x00\x01\x00",
        b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x00\x00\x00\x00",
    ):
        refused(ProtocolError, first, data)


def test_a_packet_above_the_limit_is_refused_before_it_is_there():
    data = encode(Publish("a", b"x" * 100, 0, False, False, 0, {}))
    assert first(data, len(data)) is not None
    refused(PacketTooLarge, first, data[:3], len(data) - 1)


def test_after_an_error_the_decoder_repeats_it():
    decoder = Decoder(8192)
    decoder.feed(b"\x00\x00" + encode(Pingresp()))
    refused(MalformedPacket, decoder.next)
    refused(MalformedPacket, decoder.next)


def test_a_decoder_that_nobody_reads_does_not_grow():
    decoder = Decoder(64)
    decoder.feed(encode(Pingresp()) * 40)
    refused(PacketTooLarge, decoder.feed, b"\xd0\x00")


def test_an_error_names_packet_and_byte():
    text = refused(MalformedPacket, first, b"\x30\x04\x00\x01+\x00")
    assert text == "PUBLISH: topic with a wildcard at byte 3"


def test_nothing_wrong_is_written():
    for packet in (
        Publish("a/#", b"", 0, False, False, 0, {}),
        Publish("", b"", 0, False, False, 0, {}),
        Publish("a", b"", 2, False, False, 1, {}),
        Publish("a", b"", 1, False, False, 0, {}),
        Publish("a", b"", 0, False, False, 1, {}),
        Publish("a" * 65536, b"", 0, False, False, 0, {}),
        Puback(0, 0),
        Subscribe(1, ()),
        "text",
    ):
        refused(ProtocolError, encode, packet)


def test_all_single_bytes_and_pairs_are_survived():
    for one in range(256):
        for two in (0, 1, 2, 3, 0x7F, 0x80, 0xFF):
            decoder = Decoder(64)
            decoder.feed(bytes((one, two, 0, 1, 0, 0, 0, 0)))
            try:
                while decoder.next() is not None:
                    continue
            except MqttError:
                continue
