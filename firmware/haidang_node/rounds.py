"""What a node does once a minute: a configuration on trial, whether it has settled, short memory.

Loaded for each round, then forgotten.
"""

from micropython import const

from haidang_node import loading, log

_ROUND_MS = const(60000)
_TRIAL_ROUND_MS = const(15000)
# A start is a good one once all loops have turned for this long.
_SETTLED_MS = const(60000)
_LOG = log.Log("rounds")


def go(node, storage, short) -> tuple:
    """(when to come again, a reason to restart or None); `node` is the whole Node.

    `short`: what memory is short of, as shortage.look() says it.
    """
    now_ms = node.clock.uptime_ms()
    told = node.status.told
    if node.clock.steps:
        told["steps"] = node.clock.steps
    for sensor in node.sensors:
        if sensor.kind == "smoke":
            loading.call("haidang_node.sensors.smoke_minute", "learn", sensor)
    if "fails" in told or not node.settled:
        _settle(node, storage, now_ms)
    if told.get("mode") == "trial":
        return now_ms + _TRIAL_ROUND_MS, _try_out(node, storage)
    node.short_rounds = node.short_rounds + 1 if short else 0
    if short:
        _LOG.warning("%s (%d of %d)", short, node.short_rounds, node.short_limit)
    return now_ms + _ROUND_MS, short if node.short_rounds >= node.short_limit else None


def _settle(node, storage, now_ms: int) -> None:
    if now_ms - node.supervisor.calm_since_ms >= _SETTLED_MS:
        node.settled = True
        node.status.told.pop("fails", None)
        loading.call("haidang_node.boots", "settled", storage)


def _try_out(node, storage) -> str | None:
    told = node.status.told
    try:
        became = loading.call(
            "haidang_node.trial", "step", "", storage, node.orders, node.link.reached, told["cfg"]
        )
    finally:
        loading.forget("haidang_node.refusals", "haidang_node.trial_files")
    if became == "kept":
        del told["mode"]
    return "configuration rolled back" if became == "rolled back" else None
