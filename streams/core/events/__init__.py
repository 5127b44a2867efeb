"""From bytes to canonical events: what is accepted, what is rejected, what is too late."""
