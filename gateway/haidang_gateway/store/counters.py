"""Counters that live as long as the database."""

from haidang_gateway.store.schema import Connection


def count_up(connection: Connection, name: str, by: int) -> None:
    """Add to a counter that lives as long as the database."""
    if by:
        connection.execute(
            "INSERT INTO counter VALUES (?, ?)"
            " ON CONFLICT DO UPDATE SET count = count + excluded.count",
            (name, by),
        )
