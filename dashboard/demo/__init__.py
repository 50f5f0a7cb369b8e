"""A shop with traffic on it, for a first look."""
