"""Erasure of what is known of a person, and figures too small to show."""
