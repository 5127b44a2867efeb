"""Names of events: which have a meaning, and what one that has none nearly spells."""

from difflib import SequenceMatcher

from streams.core.catalogue.model import Catalogue
from streams.core.door.fields.names import event_name
from streams.core.door.fields.spelling import nearly
from streams.core.door.orders import COMPLETED

# The names of events that have a meaning whatever a catalogue says.
CONTRACT_EVENTS = (
    "Order Completed", "Order Updated", "Order Cancelled", "Order Refunded", "Social Interaction",
    "Segment Consent Preference Updated", "Consent Updated", "Promotion Viewed", "Promotion Clicked", "Email Opened",
    "Email Link Clicked", "Install Attributed", "Deep Link Opened", "Product Shared", "Cart Shared",
)  # fmt: skip
_TYPES = frozenset({"page", "screen", "identify", "alias", "group", "batch"})
_CLOSE = 0.88


def misspelt(name: str, catalogue: Catalogue) -> str:
    """What to say of an ignored event whose name is spelt almost as one that counts; '' where there is none."""
    if name in _TYPES:
        return ""
    if event_name(name) == COMPLETED:
        goals = ", ".join(dict.fromkeys(f'"{goal.event}"' for goal in catalogue.goals))
        return f'no goal counts "{name}"; goals count {goals}'
    meant = nearly(name, (goal.event for goal in catalogue.goals))
    if meant:
        return f'no goal counts "{name}"; did you mean "{meant}"?'
    meant = nearly(name, CONTRACT_EVENTS)
    if not is_close(name, meant):
        return ""
    return f'"{name}" means nothing here; did you mean "{meant}"?'


def is_close(name: str, meant: str) -> bool:
    """Whether two names are closer than many that are spelt right, such as Product Added and Product Shared."""
    said, spelt = (" ".join(sorted(event_name(each).split())) for each in (name, meant))
    return bool(meant) and SequenceMatcher(None, said, spelt).ratio() >= _CLOSE
