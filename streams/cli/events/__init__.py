"""Files of events: made, explained, attributed."""
