"""What is written: aggregates and conversions as rows of the database's tables."""
