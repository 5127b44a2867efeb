"""Building blocks without a domain: arrays in columns, sorted runs, an index of them, sums by key."""
