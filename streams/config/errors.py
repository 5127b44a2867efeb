"""What is raised where the configuration is not usable."""


class ConfigError(Exception):
    """The configuration is not usable; the text says which part, and what to do."""
