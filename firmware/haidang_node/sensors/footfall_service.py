"""Footfall's self-test; loaded for this command, then forgotten."""

from haidang_node.errors import CommandError


def selftest(sensor, settings: dict) -> list:
    """Checks as haidang_node.upkeep describes them; all of them are about the source.

    answers: the number of its window; frames: bad lines since the last heartbeat; heard: any probe
    request since it started; key: how old its key is.
    """
    health = sensor.health
    window, bad, heard, key_s = sensor.source()
    most_s = 2 * settings["window_s"] + 5
    return [
        ["answers", health not in ("silent", "warming"), window],
        ["frames", health != "noisy", bad, "2"],
        # Without numbers: beside one person they would tell when that person's phone speaks.
        ["heard", heard > 0],
        ["counter", health != "stuck"],
        ["key", key_s <= most_s, key_s, "<= %d" % most_s],
    ]


def calibrate(sensor, args: dict, settings: dict) -> dict:
    """CommandError: a camera at the same place calibrates it at the gateway, not the node."""
    del sensor, args, settings
    raise CommandError(
        "footfall has nothing to calibrate",
        "how many people a phone stands for is set at the gateway, by a camera's count",
    )
