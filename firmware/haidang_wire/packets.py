"""MQTT 5 packets as values; bytes to packet and back."""

from collections import namedtuple

Will = namedtuple("Will", ("topic", "payload", "qos", "retain", "delay_s"))
Connect = namedtuple(
    "Connect",
    ("client_id", "clean_start", "keepalive_s", "will", "username", "password", "properties"),
)
Connack = namedtuple("Connack", ("session_present", "reason", "properties"))
Publish = namedtuple(
    "Publish", ("topic", "payload", "qos", "retain", "dup", "packet_id", "properties")
)
Puback = namedtuple("Puback", ("packet_id", "reason"))
# filters: tuples (filter, options byte)
Subscribe = namedtuple("Subscribe", ("packet_id", "filters"))
Suback = namedtuple("Suback", ("packet_id", "reasons"))
Pingreq = namedtuple("Pingreq", ())
Pingresp = namedtuple("Pingresp", ())
Disconnect = namedtuple("Disconnect", ("reason",))
