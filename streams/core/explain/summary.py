"""What came of what was read, in sentences: what could not be used, and what to do."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from streams.core.catalogue.model import Catalogue
from streams.core.door.fields.names import event_name, normal
from streams.core.explain.facts import Completed, Facts
from streams.core.explain.names import misspelt

_MOST = 10  # names that are told


def sentences(facts: Facts, catalogue: Catalogue) -> Iterator[str]:
    """What is to be told of what was read, a sentence each; nothing where all is as it should be."""
    yield from _ignored(facts.ignored, catalogue)
    yield from _left_out(facts)
    yield from _conflicts(facts)
    yield from _orders(facts.completed.values())
    yield from _campaigns(facts.campaigns, catalogue)
    yield from _conditions(facts.completed, catalogue)


def _listed(counts: Mapping[str, int]) -> str:
    common = Counter(counts).most_common()
    more = [f"{len(common) - _MOST:,} more"] if len(common) > _MOST else []
    return ", ".join([f"{n:,} {name}" for name, n in common[:_MOST]] + more)


def _ignored(ignored: Counter[str], catalogue: Catalogue) -> Iterator[str]:
    if ignored:
        yield f"ignored: {_listed(ignored)}"
    for name in ignored:
        if said := misspelt(name, catalogue):
            yield said


def _left_out(facts: Facts) -> Iterator[str]:
    if facts.faults:
        places = Counter({f"{place} ({kind})": n for (place, kind), n in facts.faults.items()})
        yield f"{facts.faults.total():,} fields could not be read and were left out: {_listed(places)}"
    if facts.placeholders:
        yield f"{facts.placeholders:,} ids are placeholders, such as null or guest, and nobody's"
    if facts.userless:
        yield f"{facts.userless:,} touches have no user: they count, and no conversion can be credited to them"


def _conflicts(facts: Facts) -> Iterator[str]:
    if facts.conflicting_ids:
        yield f"{facts.conflicting_ids:,} messages of orders have the messageId of another: all of them count"
    if facts.order_conflicts:
        yield (
            f"{facts.order_conflicts:,} orders were completed again with another buyer or currency: two shops with one "
            "series of numbers look like that, and the earliest counts"
        )


def _orders(completed: Iterable[Completed]) -> Iterator[str]:
    every = list(completed)
    orders = sum(of.orders for of in every)
    shares = (
        ("no user", sum(of.nobody for of in every)),
        ("no usable value", sum(of.worthless for of in every)),
        ("no new_customer", sum(of.unknown for of in every)),
    )
    told = [f"{100 * n / orders:.3g} % have {what}" for what, n in shares if n]
    if told:
        yield f"of {orders:,} completed orders {', '.join(told)}"


def _campaigns(campaigns: Counter[str], catalogue: Catalogue) -> Iterator[str]:
    strange = {name: n for name, n in campaigns.items() if not is_listed(name, catalogue) and not name.startswith("(")}
    if strange:
        yield f"campaigns that the catalogue does not list: {_listed(strange)}"


def is_listed(campaign: str, catalogue: Catalogue) -> bool:
    """Whether the catalogue lists a campaign."""
    return catalogue.listed(normal(campaign)) is not None


def _conditions(completed: Mapping[str, Completed], catalogue: Catalogue) -> Iterator[str]:
    for goal in catalogue.goals:
        of = completed.get(event_name(goal.event))
        for name in goal.where:
            if of and name not in of.carried:
                yield f'goal "{goal.id}" asks for properties.{name}, and no "{goal.event}" has it'
