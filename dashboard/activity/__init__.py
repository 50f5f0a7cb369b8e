"""Live sessions and locks."""
