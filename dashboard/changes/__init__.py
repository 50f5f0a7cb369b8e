"""The change lane: what anybody or anything changed, and when."""
