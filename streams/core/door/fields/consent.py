"""Consent to advertising that a message carries, as Segment and RudderStack write it."""

from streams.core.door.context import Reading
from streams.core.door.fields.flags import flag
from streams.core.door.fields.json_fields import Fields
from streams.core.door.fields.names import normal


def denied(context: Fields, reading: Reading) -> bool | None:
    """True where an advertising category is denied, False where one is allowed and none denied, None without one."""
    said = {*_preferences(context, reading), *_lists(context, reading)}
    return True if False in said else False if said else None


def _preferences(context: Fields, reading: Reading) -> list[bool]:
    """What Segment's preferences say of the categories that mean advertising."""
    preferences = context.object("consent").object("categoryPreferences")
    names = [name for name in preferences.values if normal(name) in reading.advertising]
    read = [flag(preferences, name, place=normal(name)) for name in names]
    return [allowed for allowed in read if allowed is not None]


def _lists(context: Fields, reading: Reading) -> list[bool]:
    """What RudderStack's lists say of them."""
    management = context.object("consentManagement")
    lists = (("deniedConsentIds", False), ("allowedConsentIds", True))
    return [
        allowed for name, allowed in lists for found in management.ids(name) if normal(found) in reading.advertising
    ]
