"""Small groups: campaigns of so few users that a figure by name could be about one person."""

SMALLEST = 10  # users that a campaign is shown by name for
