"""What the nodes have accepted, from their journals alone."""

from pathlib import Path

Name = tuple[str, str, int, int]
"""Node, epoch, boot and sequence of a pack."""


def accepted(folder: Path) -> set[Name]:
    """Every pack that a node ever kept, those of reflashed nodes too."""
    names: set[Name] = set()
    for path in folder.glob("*.journal*"):
        node, epoch = path.name.split(".")[0], ""
        for line in path.read_bytes().split(b"\n")[:-1]:
            words = line.split(b" ", 3)
            if words[0] == b"boot":
                epoch = words[1].decode()
            elif words[0] == b"keep":
                names.add((node, epoch, int(words[1]), int(words[2])))
    return names


def held(path: Path) -> int:
    """How many packs a node's flash holds unacknowledged."""
    kept: set[tuple[int, int]] = set()
    for line in path.read_bytes().split(b"\n")[:-1]:
        word, first, second, rest = line.split(b" ", 3)
        if word == b"keep":
            kept.add((int(first), int(second)))
        elif word == b"free":
            kept -= {(int(first), seq) for seq in range(int(second), int(rest) + 1)}
    return len(kept)
