"""Touches: what people saw and clicked, by user and time."""
