"""Holdouts: who is in which group, and what the difference amounts to."""
