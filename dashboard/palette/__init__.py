"""Jump to a page, target, table or flag by name (Ctrl-K)."""
