"""Faust's agents, and the order in which they work."""
