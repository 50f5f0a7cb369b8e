"""Plans of statement families: asked for on a role of its own, kept, compared."""
