"""Sinks: where rows go. There is one, ClickHouse."""
