"""What a worker watches beside the flow of events: the clock, its sink, its defects, requests to read files again."""
