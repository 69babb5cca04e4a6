"""Packs made small for flash: pieces of text that every pack repeats become single bytes.

A day of all sensors needs a fifth of the room so, and the flash lives longer.
"""

from array import array

# The byte 0x80 + position stands for a piece. What lies on flash is read by later versions too:
# pieces are only ever added, at the end; 127 at most, because 0xff is the pack's own name.
_PIECES = (
    b'[{"bver":26,"bn":"urn:dev:mac:|:","bt":|},{"bt":|,"hu":'
    b'|},{"n":"smoke/|},{"n":"flood/|},{"n":"footfall/|},{"n":"node/|},{"n":"env/'
    b'|,"n":"smoke/|,"n":"flood/|,"n":"footfall/|,"n":"node/|,"n":"env/'
    b'|health","vs":"ok"|health","vs":"|state","vs":"normal"|state","vs":"'
    b'|mv","u":"mV","v":|ratio","u":"/","v":|contact","vb":false|contact","vb":true'
    b'|level","u":"mm","v":|rate","u":"mm/h","v":|to_next","u":"s","v":|float","vb":'
    b'|devices","u":"count","v":|low","u":"count","v":|high","u":"count","v":'
    b'|suppressed","vb":true|frames","u":"count","v":|window","u":"s","v":|source","vs":"sniffer"'
    b'|temp","u":"Cel","v":|rh","u":"%RH","v":|heap_free","u":"B","v":|heap_min","u":"B","v":'
    b'|idf_free","u":"B","v":|idf_largest","u":"B","v":|rssi","u":"dBm","v":-'
    b'|queue","u":"count","v":|dropped","u":"count","v":|supply","u":"mV","v":'
    b'|warming"|pre_alarm"|alarm"|watch"|warning"|danger"|}]'
)
_OWN = b"\xff"
# Where each piece begins: a list of pieces would ask for one large piece of heap each time.
_STARTS = array("H", (0,))
for _at, _byte in enumerate(_PIECES):
    if _byte == 0x7C:
        _STARTS.append(_at + 1)
_STARTS.append(len(_PIECES) + 1)


def pack(data: bytes, own: bytes) -> bytes | None:
    """Packed bytes; None for what is no plain ASCII. own: the text that this pack alone has."""
    if max(data, default=0) > 0x7F:
        return None
    data = data.replace(own, _OWN)
    code = bytearray(1)
    for number in range(len(_STARTS) - 1):
        code[0] = 0x80 + number
        data = data.replace(_piece(number), code)
    return data


def unpack(data: bytes, own: bytes) -> bytes:
    """What was packed. IndexError where it was packed by a longer table."""
    whole = bytearray()
    for byte in data:
        if byte < 0x80:
            whole.append(byte)
        else:
            whole.extend(own if byte == 0xFF else _piece(byte - 0x80))
    return bytes(whole)


def _piece(number: int) -> bytes:
    return _PIECES[_STARTS[number] : _STARTS[number + 1] - 1]
