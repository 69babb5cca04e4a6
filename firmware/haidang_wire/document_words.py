"""The closed vocabularies of alarms and of the centre; never loaded on a node."""

HAZARDS = ("fire", "flood", "crowd", "device")
ALARM_STATES = ("suspected", "confirmed", "cleared", "dismissed")
# CAP 1.2 words
STATUSES = ("Actual", "Exercise", "Test")
SEVERITIES = ("Minor", "Moderate", "Severe", "Extreme", "Unknown")
URGENCIES = ("Immediate", "Expected", "Future", "Past", "Unknown")
CERTAINTIES = ("Observed", "Likely", "Possible", "Unlikely", "Unknown")
EVIDENCE_KINDS = ("smoke", "flood", "footfall", "fire", "crowd", "silence", "report")
CENTRE_COMMANDS = (
    "ack_alarm",
    "dismiss_alarm",
    "shelve_alarm",
    "report",
    "exercise",
    "node_cmd",
    "resync",
)
