"""What the leading worker does beside the flow of events."""
