"""The ledgers of the partitions that a worker owns, in processes of their own: how to ask, and why one cannot tell."""
