"""Feature flags: definitions, changes, evaluation."""
