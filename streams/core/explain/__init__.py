"""What was read, told to people: what messages are taken for, and what came of a file."""
