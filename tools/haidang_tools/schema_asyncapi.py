"""The AsyncAPI 3 document of the contract: channels, operations, messages."""

from typing import Any

from haidang_wire.naming import GW_STATUS

from haidang_tools.contract_meanings import MESSAGES
from haidang_tools.contract_topics import TOPICS, Topic

Document = dict[str, Any]

_PARAMETERS = {
    "node": {"description": "node id: n- and 12 hex digits of the MAC"},
    "gateway": {"description": "gateway id, the name in its certificate"},
    "alarm": {"description": "alarm id"},
}


# Topics whose messages are in a format of others: title, content type, where it is laid down.
_FOREIGN = {
    "centre_cap": (
        "Common Alerting Protocol 1.2",
        "application/cap+xml",
        "https://docs.oasis-open.org/emergency/cap/v1.2/CAP-v1.2-os.html",
    ),
    "centre_ngsi": (
        "NGSI-LD notification of Smart Data Models entities",
        "application/ld+json",
        "https://smartdatamodels.org/",
    ),
}


def document() -> Document:
    """The whole document, seen from the gateway."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Haidang",
            "version": "1.0.0",
            "description": "What nodes, gateway and operations centre tell each other: "
            "MQTT 5 over TLS with client certificates.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {_name(topic): _channel(topic) for topic in TOPICS},
        "operations": _operations(),
        "components": {
            "messages": {kind: _message(kind) for kind in MESSAGES}
            | {name: _foreign_message(name) for name in _FOREIGN}
        },
    }


def _name(topic: Topic) -> str:
    if topic.address == GW_STATUS:
        return "nodes_gateway_status"
    side = "node" if topic.address.startswith("hd/1/n/") else "centre"
    return f"{side}_{topic.address.split('/')[4]}"


def _channel(topic: Topic) -> Document:
    channel: Document = {"address": topic.address, "description": topic.meaning}
    parameters = {
        name: text for name, text in _PARAMETERS.items() if f"{{{name}}}" in topic.address
    }
    if parameters:
        channel["parameters"] = parameters
    kinds = topic.messages or (_name(topic),)
    messages = {kind: {"$ref": f"#/components/messages/{kind}"} for kind in kinds}
    channel["messages"] = messages
    return channel


def _operations() -> Document:
    operations = {}
    for topic in TOPICS:
        source, target = topic.ends
        if source != "gateway":
            operations[f"receive_{_name(topic)}"] = _operation("receive", topic)
        if source == "gateway" or target == "both":
            operations[f"send_{_name(topic)}"] = _operation("send", topic)
    return operations


def _operation(action: str, topic: Topic) -> Document:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{_name(topic)}"},
        "summary": topic.meaning,
        "bindings": {"mqtt": {"qos": topic.qos, "retain": topic.retained}},
    }


def _message(kind: str) -> Document:
    return {
        "name": kind,
        "title": MESSAGES[kind],
        "contentType": "application/json",
        "payload": {
            "schemaFormat": "application/schema+json;version=draft-2020-12",
            "schema": {"$ref": f"schema/{kind}.json"},
        },
    }


def _foreign_message(name: str) -> Document:
    title, content_type, url = _FOREIGN[name]
    return {
        "name": name,
        "title": title,
        "contentType": content_type,
        "externalDocs": {"url": url},
    }
