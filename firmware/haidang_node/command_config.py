"""The command `config`; loaded for it, instead of what does the other commands."""

from haidang_node import loading
from haidang_node.hal import esp32


def perform(node, do: str, args: dict, order_id: str) -> tuple:
    """(out, after), as haidang_node.actions gives them."""
    del do
    out = loading.call("haidang_node.configure", "propose", "", esp32.Storage(), args, order_id)
    return out, lambda: node.restart("configuration " + order_id)
