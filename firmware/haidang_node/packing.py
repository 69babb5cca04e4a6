"""Packs made small for flash: pieces of text that every pack repeats become single bytes.

A day of all sensors needs a fifth of the room so, and the flash lives longer.
"""

from array import array

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
_OWN = b"\xff"
# Where each piece begins: its line << 8 | its place there.
_STARTS = array("H")
for _number, _line in enumerate(_LINES):
    _at = 0
    while _at < len(_line):
        _STARTS.append(_number << 8 | _at)
        _at = _line.find(b"|", _at) + 1


def pack(data: bytes, own: bytes) -> bytes | None:
    """Packed bytes; None for what is no plain ASCII, or where memory has no piece for them.

    own: the text that this pack alone has.
    """
    if max(data, default=0) > 0x7F:
        return None
    try:
        # One piece of memory that only shrinks, not a new one for each text that is replaced.
        packed = bytearray(data)
        _put(packed, own, _OWN)
        code = bytearray(1)
        for number in range(len(_STARTS)):
            code[0] = 0x80 + number
            _put(packed, _piece(number), code)
        # It keeps the memory that it had in the beginning: four times what is left of a pack.
        return bytes(packed)
    except MemoryError:
        return None


def _put(packed: bytearray, text: bytes, code: bytes | bytearray) -> None:
    at = packed.find(text)
    while at >= 0:
        packed[at : at + len(text)] = code
        at = packed.find(text, at + 1)


def unpack(data: bytes, own: bytes) -> bytearray:
    """What was packed. IndexError where it was packed by a longer table."""
    size = 0
    for byte in data:
        size += 1 if byte < 0x80 else len(_text(byte, own))
    # In its full size at once: growing would leave holes in the heap.
    whole = bytearray(size)
    at = 0
    for byte in data:
        if byte < 0x80:
            whole[at] = byte
            at += 1
        else:
            text = _text(byte, own)
            whole[at : at + len(text)] = text
            at += len(text)
    return whole


def _text(byte: int, own: bytes) -> bytes:
    return own if byte == 0xFF else _piece(byte - 0x80)


def _piece(number: int) -> bytes:
    start = _STARTS[number]
    line = _LINES[start >> 8]
    return line[start & 0xFF : line.find(b"|", start & 0xFF)]
