"""What came of what was read, for programs."""

from typing import Any

from streams.core.catalogue.model import Catalogue
from streams.core.explain.facts import Facts
from streams.core.explain.summary import sentences
from streams.core.parsing.printable import one_line

FORMAT = 1


def as_data(facts: Facts, goals: Catalogue) -> dict[str, Any]:
    """What the summary in a terminal tells, as numbers, and its sentences."""
    return {
        "format": FORMAT,
        "messages": facts.events,
        "used": facts.used,
        "outcomes": {name: n for name, n in sorted(facts.outcomes.items()) if n},
        "dead_letters": {reason: n for reason, n in sorted(facts.reasons.items()) if n},
        "first_dead_letter": one_line(facts.first) or None,
        "ignored": {one_line(name): n for name, n in facts.ignored.most_common()},
        "field_faults": [
            {"field": one_line(place), "type": type_, "times": n} for (place, type_), n in facts.faults.most_common()
        ],
        "placeholder_ids": facts.placeholders,
        "touches_without_user": facts.userless,
        "conflicting_ids": facts.conflicting_ids,
        "order_conflicts": facts.order_conflicts,
        "campaigns": {one_line(name): n for name, n in facts.campaigns.most_common()},
        "sentences": [one_line(sentence) for sentence in sentences(facts, goals)],
    }
