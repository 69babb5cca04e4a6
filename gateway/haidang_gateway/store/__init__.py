"""The durable heart: one SQLite database, its one writer, and what it does on bad days."""
