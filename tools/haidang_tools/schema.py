"""`haidang schema`: write what is generated from the contract, or compare it.

JSON Schemas in docs/schema/, AsyncAPI in docs/asyncapi.json, the page docs/reference.md.
"""

import argparse
import json
import sys
from pathlib import Path

from haidang_tools.schema_asyncapi import document
from haidang_tools.schema_json import schemas
from haidang_tools.schema_reference import page

DOCS = Path(__file__).resolve().parents[2] / "docs"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument(
        "--check", action="store_true", help="change nothing; exit 1 naming the files that differ"
    )


def run(args: argparse.Namespace) -> int:
    """Write the files, or with --check name those that differ; 1 if any does."""
    if not args.check:
        for name in write():
            print(name)
        return 0
    different = differing()
    for name in different:
        print(f"{name} is not what the contract gives: `make schema` writes it anew")
    return 1 if different else 0


def generated() -> dict[str, str]:
    """Path under docs/: what it must hold."""
    files = {f"schema/{kind}.json": _json(schema) for kind, schema in schemas().items()}
    files["asyncapi.json"] = _json(document())
    files["reference.md"] = page()
    return files


def differing(docs: Path = DOCS) -> list[str]:
    """Generated files that are missing or differ, and schemas that nothing generates any more."""
    wanted = generated()
    wrong = [name for name, text in wanted.items() if _held(docs / name) != text]
    left = [f"schema/{path.name}" for path in (docs / "schema").glob("*.json")]
    return sorted({*wrong, *(name for name in left if name not in wanted)})


def write(docs: Path = DOCS) -> list[str]:
    """Write what differs, remove what nothing generates any more; the names that changed."""
    changed = differing(docs)
    wanted = generated()
    for name in changed:
        path = docs / name
        if name in wanted:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(wanted[name], encoding="utf-8")
        else:
            path.unlink()
    return changed


def _held(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


def main() -> int:
    """`python -m haidang_tools.schema`."""
    parser = argparse.ArgumentParser(description="Write what is generated from the contract.")
    add_arguments(parser)
    return run(parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
