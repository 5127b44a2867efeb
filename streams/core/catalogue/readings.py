"""How the messages of each topic are read: what `sources.toml` says of them, for what the catalogue counts."""

from dataclasses import replace

from streams.core.catalogue.model import Catalogue
from streams.core.door.context import Reading
from streams.core.door.fields.names import event_name
from streams.core.door.sources_toml import Sources


def readings(catalogue: Catalogue, sources: Sources) -> dict[str, Reading]:
    """How each topic is read, for what the catalogue counts."""
    common = Reading(
        counted={event_name(goal.event): goal.event for goal in catalogue.goals},
        id_fields=catalogue.id_fields,
        where=tuple(dict.fromkeys(name for goal in catalogue.goals for name in goal.where)),
        base_currency=catalogue.base_currency,
        scoped_by_affiliation=sources.scoped_by_affiliation,
        touch=sources.touch,
        advertising=sources.advertising,
        placeholders=sources.placeholders,
        networks=sources.networks,
        own_hosts=sources.own_hosts,
    )
    return {
        s.topic: replace(common, format=s.format, scope=s.scope, limit=s.limit, batch_limit=s.batch_limit)
        for s in sources.topics
    }
