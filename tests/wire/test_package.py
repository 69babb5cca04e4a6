"""The package for `mip`: every file that a node may load, none that it never loads."""

import ast
import json
from pathlib import Path

# Only the gateway, the tools and the tests read these.
_NOT_FOR_NODES = {
    "document_fields.py",
    "document_forms.py",
    "document_words.py",
    "documents.py",
    "senml_cbor_reading.py",
    "senml_reading.py",
    "serial_master.py",
    "serial_peer.py",
    "vocabulary.py",
}


def _listed(root: Path) -> set[str]:
    package = json.loads((root / "firmware" / "package.json").read_text())
    for target, source in package["urls"]:
        assert target == source
    return {Path(target).name for target, _ in package["urls"]}


def test_the_package_lists_what_a_node_may_load(root: Path) -> None:
    files = {path.name for path in (root / "firmware" / "haidang_wire").glob("*.py")}
    assert _listed(root) == files - _NOT_FOR_NODES


def test_nothing_in_the_package_needs_what_is_left_out_when_imported(root: Path) -> None:
    for name in _listed(root):
        tree = ast.parse((root / "firmware" / "haidang_wire" / name).read_text(encoding="utf-8"))
        for statement in tree.body:
            if isinstance(statement, ast.ImportFrom) and statement.module:
                assert f"{statement.module.split('.')[-1]}.py" not in _NOT_FOR_NODES, name


def test_the_contract_imports_only_what_both_interpreters_have(root: Path) -> None:
    allowed = {"json", "collections", "struct", "hashlib", "haidang_wire"}
    for path in (root / "firmware" / "haidang_wire").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                top = (node.module or "").split(".")[0]
            elif isinstance(node, ast.Import):
                top = node.names[0].name
            else:
                continue
            for_checkers = node.col_offset > 0 and top in ("typing", "collections")
            assert top in allowed or for_checkers, (path.name, top)
