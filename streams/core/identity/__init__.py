"""Which tokens belong to one person."""
