"""Vacuum health, wraparound and sequences of a target."""
