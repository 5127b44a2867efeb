"""Orders, what reverses them, and which goals they count for."""
