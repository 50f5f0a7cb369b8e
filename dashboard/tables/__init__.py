"""Table statistics: sizes, growth, indexes, vacuum."""
