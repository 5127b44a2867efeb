"""What partitions tell each other: links, touches and orders of people who live in several."""
