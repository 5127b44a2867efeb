"""What people read, in their language. English stands where it is used; `nb.toml` has its translation (bokmål)."""

from streams.texts.language import LANGUAGES, Language, language

__all__ = ["LANGUAGES", "Language", "language"]
