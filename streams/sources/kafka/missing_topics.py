"""Topics that a broker did not know of when it was asked, as just after its start: it is asked again soon.

The first member of a group shares out what it knows of. One that met a broker too early, or that got no answer, gave
nothing to anybody, and would not ask again for `metadata_max_age_ms`, five minutes.
"""

from __future__ import annotations

import asyncio

import aiokafka

_AGAIN_S = 1.0


def ask_again(consumer: aiokafka.AIOKafkaConsumer) -> None:
    """Have the consumer ask for topics that it subscribed to until brokers know them all; it rejoins its group then.

    Call it where the consumer's event loop runs; it goes on until the consumer is stopped.
    """
    if consumer._closed:
        return
    subscription, client = consumer._subscription.subscription, consumer._client
    if any(not client.cluster.partitions_for_topic(topic) for topic in (subscription.topics if subscription else ())):
        client.force_metadata_update()
    asyncio.get_running_loop().call_later(_AGAIN_S, ask_again, consumer)
