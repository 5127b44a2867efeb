"""A worker: its partitions, their ledgers and journals."""
