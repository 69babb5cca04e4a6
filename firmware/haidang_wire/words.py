"""The closed vocabularies of a node."""

SENSORS = ("smoke", "flood", "footfall", "env")
NODE_COMMANDS = (
    "config", "update", "identify", "selftest", "calibrate", "silence", "reboot", "log",
)  # fmt: skip
NODE_MODES = ("normal", "safe", "trial", "sleep")
