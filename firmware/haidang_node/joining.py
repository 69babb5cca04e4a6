"""The work of a link without a network: loaded when one is missing, forgotten when it is there."""

from micropython import const

from haidang_node import loading, log
from haidang_node.errors import LinkError
from haidang_node.link import JOINING, UP, WAITING

# An access point answers within a few seconds, a slow DHCP server within ten.
_JOIN_DEADLINE_MS = const(15000)
# A driver that hangs is helped by switching the radio off and on, seldom only by a reset.
_FAILURES_TO_CYCLE = const(8)
_REFUSALS_TO_CYCLE = const(3)
_REFUSALS_TO_RESET = const(60)
_RESET_MS = const(86400000)
_NEXT_RESET_MS = const(21600000)
# Of ESP-IDF: 4-way handshake, no access point, authentication, handshake time-out.
_WRONG_KEY = "refused; is the key right?"
_REFUSALS = {15: _WRONG_KEY, 201: "not in reach", 202: _WRONG_KEY, 204: _WRONG_KEY}
# The ESP32 raises RuntimeError for what its list of Wi-Fi errors does not name.
_FAILURES = (OSError, RuntimeError)
_LOG = log.Log("link")


def step(link, now_ms: int) -> None:
    """Moves a Link on that is not up, or whose network went away; LinkError, see there."""
    if link.state == UP:
        link.backoff.worked(now_ms - link.since_ms)
        link.down_ms = now_ms
        _lost(link, now_ms, "the network went away")
    elif link.state == JOINING:
        _look(link, now_ms)
    elif now_ms >= link.until_ms:
        _join(link, now_ms)


def off(link) -> None:
    """Leaves the network and switches the radio off."""
    _quietly(link.radio.leave)
    _quietly(link.radio.off)


def _join(link, now_ms: int) -> None:
    try:
        if not link.round:
            link.round = _plan(link)
        link.at, bssid = link.round.pop(0)
        network = link.networks[link.at]
        _set(link, JOINING, now_ms)
        link.until_ms = now_ms + _JOIN_DEADLINE_MS
        link.radio.join(network["ssid"], network["key"], bssid)
        link.refusals = 0
    except _FAILURES as error:
        link.refusals += 1
        _failed(link, now_ms, error)


def _plan(link) -> list:
    link.rounds += 1
    if len(link.networks) == 1:
        return [(0, None)]
    last = _remembered(link, "wifi") - 1
    if link.rounds == 1 and 0 <= last < len(link.networks):
        return [(last, None)]
    # A scan stops every loop for 2 s: soon after a loss, then in every eighth round.
    seen = link.radio.scan() if link.rounds <= 2 or not link.rounds & 7 else []
    if not seen:
        return [(place, None) for place in range(len(link.networks))]
    return loading.call("haidang_node.networks", "ranked", link.networks, seen)


def _look(link, now_ms: int) -> None:
    if link.radio.joined():
        link.trouble.over()
        link.failures = link.refusals = link.rounds = 0
        link.round = []
        _remember(link, "wifi", link.at + 1)
        _remember(link, "radio", 0)
        _set(link, UP, now_ms)
        return
    refusal = link.radio.refusal()
    if refusal:
        _failed(link, now_ms, _REFUSALS.get(refusal, "reason %d" % refusal))
    elif now_ms >= link.until_ms:
        _failed(link, now_ms, "no answer")


def _failed(link, now_ms: int, reason: object) -> None:
    link.failures += 1
    _lost(link, now_ms, "%s: %s" % (link.networks[link.at]["ssid"], reason))
    if link.refusals % _REFUSALS_TO_CYCLE == 1 or not link.failures % _FAILURES_TO_CYCLE:
        _LOG.debug("the radio is switched off and on")
        _quietly(link.radio.off)
    hangs = link.refusals >= _REFUSALS_TO_RESET
    if hangs or now_ms - link.down_ms >= _RESET_MS:
        _reset(link, now_ms, hangs)


def _reset(link, now_ms: int, hangs: bool) -> None:
    # A radio that a reset does not cure must not keep the sensors from their work.
    if hangs and _remembered(link, "radio") > 0 and now_ms < _NEXT_RESET_MS:
        return
    # What cannot be remembered would be done every ten minutes.
    if _remember(link, "radio", 1) or now_ms - link.down_ms >= _RESET_MS:
        raise LinkError("no network for long: the chip is reset to cure its radio")


def _lost(link, now_ms: int, reason: object) -> None:
    link.trouble.failed(reason)
    _quietly(link.radio.leave)
    _set(link, WAITING, now_ms)
    more = link.round or (link.rounds == 1 and len(link.networks) > 1)
    link.until_ms = now_ms if more else now_ms + link.backoff.wait_ms()


def _quietly(action) -> None:
    try:
        action()
    except _FAILURES as error:
        _LOG.debug("the radio: %s", error)


def _remembered(link, key: str) -> int:
    try:
        number = link.storage.get(key) if link.storage else None
    except OSError as error:
        _LOG.debug("NVS cannot be read: %s", error)
        number = None
    return -1 if number is None else number


def _remember(link, key: str, number: int) -> bool:
    # Whether it is safe; written on a change alone: flash wears. Where it refuses, the node joins.
    known = _remembered(link, key)
    try:
        if link.storage and known != number and (number or known > 0):
            link.storage.put(key, number)
            link.storage.commit()
    except OSError as error:
        # Whoever names the packs has told it.
        _LOG.debug("writing to NVS failed: %s", error)
        return False
    return True


def _set(link, state: str, now_ms: int) -> None:
    (_LOG.info if UP in (state, link.state) else _LOG.debug)("%s -> %s", link.state, state)
    link.state = state
    link.since_ms = now_ms
