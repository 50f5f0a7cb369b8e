"""Slow queries: families, windows, texts."""
