"""The names of the contract as a table, for those who read packs: gateway, tools, tests."""

from haidang_wire.names import all_names, known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any  # noqa: TID251 (only type checkers come here)

# name: (unit or None, value field, words or None)
NAMES: "dict[str, Any]" = {name: known(name) for name in all_names()}
SENSOR_HEALTH: "tuple[str, ...]" = NAMES["smoke/health"][2]
