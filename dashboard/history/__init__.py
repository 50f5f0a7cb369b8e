"""Migration history of the targets."""
