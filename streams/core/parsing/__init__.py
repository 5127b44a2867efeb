"""How bytes and texts are read, whatever they are of: records, numbers, days, TOML; and how they may be shown."""
