"""Messages that are written plainly, most of all: whole batches of them, read into columns at once."""
