"""What catalogue.toml and sources.toml say: checked and shown."""
