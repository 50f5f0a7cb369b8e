"""The server behind a target: connections, cache, WAL, replication, settings."""
