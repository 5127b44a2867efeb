"""Who are they? How many of those who engaged are one's own people: customers, members, residents."""
