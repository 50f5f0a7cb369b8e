"""The first page: every target at a glance."""
