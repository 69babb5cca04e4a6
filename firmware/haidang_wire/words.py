"""The contract's closed vocabularies."""

HAZARDS = ("fire", "flood", "crowd", "device")
ALARM_STATES = ("suspected", "confirmed", "cleared", "dismissed")
# CAP 1.2 words
STATUSES = ("Actual", "Exercise", "Test")
SEVERITIES = ("Minor", "Moderate", "Severe", "Extreme", "Unknown")
URGENCIES = ("Immediate", "Expected", "Future", "Past", "Unknown")
CERTAINTIES = ("Observed", "Likely", "Possible", "Unlikely", "Unknown")
EVIDENCE_KINDS = ("smoke", "flood", "footfall", "fire", "crowd", "silence", "report")

SENSORS = ("smoke", "flood", "footfall", "env")
SENSOR_HEALTH = ("ok", "warming", "open", "short", "silent", "noisy", "stuck", "uncalibrated")
SMOKE_STATES = ("warming", "normal", "pre_alarm", "alarm")
FLOOD_STATES = ("normal", "watch", "warning", "danger")
FOOTFALL_SOURCES = ("sniffer", "module", "stations", "ble")
NODE_COMMANDS = ("config", "update", "identify", "selftest", "calibrate", "reboot")
CENTRE_COMMANDS = ("ack_alarm", "report", "exercise", "node_cmd", "resync")
