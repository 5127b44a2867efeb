"""Yes and no as people write them."""

from streams.core.door.fields.json_fields import Fields, json_type, scalar

_WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def flag(fields: Fields, name: str, place: str = "") -> bool | None:
    """A field that is true or false, None where it is absent or cannot be read (which is noted, at `place`)."""
    raw = fields.raw(name)
    if raw is None:
        return None
    value = scalar(raw) if json_type(raw) == "string" else raw.decode("utf-8", "replace").removesuffix(".0")
    known = _WORDS.get(value.strip().casefold()) if isinstance(value, str) else None
    if known is None and value != "":
        fields.fault(place or name, raw)
    return known
