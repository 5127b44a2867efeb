"""Metrics, logs, and the server that answers for them."""
