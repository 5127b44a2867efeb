"""The files that a collector goes by: the catalogue, the sources, the write keys and the secrets of webhooks."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from streams import config
from streams.collector.api import write_keys
from streams.collector.api.write_keys import WriteKeys
from streams.collector.settings import CollectorSettings
from streams.core.catalogue.model import Catalogue
from streams.core.catalogue.readings import readings
from streams.core.door.context import Reading
from streams.core.door.recognise import SEGMENT, SHOPIFY, STRIPE, WOOCOMMERCE
from streams.core.door.sources_toml import Sources

NO_CATALOGUE = Catalogue(base_currency="NOK", goals=(), campaigns=())


@dataclass(frozen=True)
class Files:
    """What was read of them at one time. `secrets`: those of webhooks, by service, where they are set."""

    topic: str
    catalogue: Catalogue
    sources: Sources
    keys: WriteKeys
    secrets: Mapping[str, bytes]

    @cached_property
    def reading(self) -> Reading:
        """How the worker reads what is recorded here."""
        found = readings(self.catalogue, self.sources)
        return found.get(self.topic, found["events"])


def read(chosen: CollectorSettings, before: Files | None = None) -> Files:
    """Read all files, as the settings name them; `before` is what was read last. Raises ConfigError.

    Without MAALSTROM_CATALOGUE, and no catalogue.toml here now and before, there are no links.
    """
    had = before is not None and before.catalogue is not NO_CATALOGUE
    named = had or "catalogue" in chosen.model_fields_set or chosen.catalogue.exists()
    goals = config.catalogue(chosen.catalogue) if named else NO_CATALOGUE
    sources = config.sources(chosen.sources)
    said = {source.topic: source.format for source in sources.topics}.get(chosen.collect_topic, SEGMENT)
    if said != SEGMENT:
        raise config.ConfigError(
            f"MAALSTROM_COLLECT_TOPIC is {chosen.collect_topic}, which sources.toml reads as {said}; name another topic"
        )
    return Files(chosen.collect_topic, goals, sources, write_keys.read(chosen.write_keys), _secrets(chosen))


def _secrets(chosen: CollectorSettings) -> dict[str, bytes]:
    said = {
        SHOPIFY: chosen.webhook_secret_shopify,
        WOOCOMMERCE: chosen.webhook_secret_woocommerce,
        STRIPE: chosen.webhook_secret_stripe,
    }
    return {name: secret.encode() for name, secret in said.items() if secret}
