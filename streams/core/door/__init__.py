"""The door: messages as people send them, bytes in; canonical events, or why there are none, out."""
