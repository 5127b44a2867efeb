"""One partition's ledger: what comes in, and what is stated of it."""
