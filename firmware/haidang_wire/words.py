"""The closed vocabularies of a node."""

SENSORS = ("smoke", "flood", "footfall", "env")
SENSOR_HEALTH = ("ok", "warming", "open", "short", "silent", "noisy", "stuck", "uncalibrated")
SMOKE_STATES = ("warming", "normal", "pre_alarm", "alarm")
FLOOD_STATES = ("normal", "watch", "warning", "danger")
FOOTFALL_SOURCES = ("sniffer", "module", "stations", "ble")
NODE_COMMANDS = ("config", "update", "identify", "selftest", "calibrate", "reboot", "log")
NODE_MODES = ("normal", "safe", "trial", "sleep")
