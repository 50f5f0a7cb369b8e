"""Schema overview: tables, columns, keys, a diagram of a table's neighbours."""
