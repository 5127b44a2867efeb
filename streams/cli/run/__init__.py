"""What runs until it is stopped: workers, collectors, the page, a database, the demo; and how large a host it needs."""
