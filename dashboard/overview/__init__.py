"""The first page: every target at a glance, and the server counters it reads."""
