"""Segment's HTTP API: calls and batches of calls, checked, stamped and recorded."""
