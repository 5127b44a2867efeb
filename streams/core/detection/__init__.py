"""Drops: how many conversions were to be expected, and whether there are too few."""
