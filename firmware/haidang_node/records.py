"""The outbox's records on flash: how they are marked, named, checked, and packed.

`recording` makes them, `finding` reads them. Pieces of text that every pack repeats become single
bytes: a day of all sensors needs a fifth of the room so, and the flash lives longer.
"""

import binascii
from array import array

# Marks the start of a record, so that reading finds its way again behind damaged bytes.
MAGIC = b"\xa5I"
# Mark, length, epoch, boot, number; the CRC over these and the body follows.
NAME = "<2sH4sII"
PACKED = 0x8000

# The byte 0x80 + position stands for a piece. What lies on flash is read by later versions too:
# pieces are only ever added, at the end; 127 at most, because 0xff is the pack's own name. Each
# ends with a bar; short lines, because a heap in use has no large piece left.
_LINES = (
    b'[{"bver":26,"bn":"urn:dev:mac:|:","bt":|},{"bt":|,"hu":|},{"n":"smoke/|},{"n":"flood/|',
    b'},{"n":"footfall/|},{"n":"node/|},{"n":"env/|,"n":"smoke/|,"n":"flood/|,"n":"footfall/|',
    b',"n":"node/|,"n":"env/|health","vs":"ok"|health","vs":"|state","vs":"normal"|',
    b'state","vs":"|mv","u":"mV","v":|ratio","u":"/","v":|contact","vb":false|',
    b'contact","vb":true|level","u":"mm","v":|rate","u":"mm/h","v":|to_next","u":"s","v":|',
    b'float","vb":|devices","u":"count","v":|low","u":"count","v":|high","u":"count","v":|',
    b'suppressed","vb":true|frames","u":"count","v":|window","u":"s","v":|',
    b'source","vs":"sniffer"|temp","u":"Cel","v":|rh","u":"%RH","v":|heap_free","u":"B","v":|',
    b'heap_min","u":"B","v":|idf_free","u":"B","v":|idf_largest","u":"B","v":|',
    b'rssi","u":"dBm","v":-|queue","u":"count","v":|dropped","u":"count","v":|',
    b'supply","u":"mV","v":|warming"|pre_alarm"|alarm"|watch"|warning"|danger"|}]|',
)
OWN = 0xFF
# Where each piece begins: its line << 8 | its place there.
STARTS = array("H")
for _number, _line in enumerate(_LINES):
    _at = 0
    while _at < len(_line):
        STARTS.append(_number << 8 | _at)
        _at = _line.find(b"|", _at) + 1


def piece(number: int) -> bytes:
    """A piece of text."""
    start = STARTS[number]
    line = _LINES[start >> 8]
    return line[start & 0xFF : line.find(b"|", start & 0xFF)]


def own(epoch: str, boot: int, seq: int) -> bytes:
    """The text that a pack alone has: it is packed to OWN."""
    return b'"he":"%s","hb":%d,"hs":%d' % (epoch.encode(), boot, seq)


def crc(name: bytes, body: bytes | bytearray) -> int:
    """The CRC-32 of a record."""
    return binascii.crc32(body, binascii.crc32(name)) & 0xFFFFFFFF
