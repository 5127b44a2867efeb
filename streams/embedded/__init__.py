"""What the demo and one-machine set-ups run in place of servers: a broker, ClickHouse, a page."""
