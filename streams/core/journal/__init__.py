"""Segments: what a batch changed, as it is kept in the journal."""
