"""A report as JSON, CSV and HTML."""
