"""The tables: made, filled with costs and rates, and reported from."""
