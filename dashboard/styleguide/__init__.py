"""Every component of the pages: full, empty and broken, in both themes."""
