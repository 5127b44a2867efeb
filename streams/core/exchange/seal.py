"""Forwarded records as Kafka has them: headers say where one comes from, what for and in which version.

They are sealed with the token key. Whoever may write to the topic could otherwise take back orders or move journeys;
and what is none of ours, or damaged, is told from what is.
"""

from collections.abc import Iterable, Sequence
from hashlib import blake2b

from streams.core.events.batch import Forward, Origin
from streams.core.events.topics import FORWARDED
from streams.core.exchange.router import FOREIGN

VERSION = 1
Headers = list[tuple[str, bytes]]


class Seal:
    """Seals the records that a worker forwards and opens those that it gets, with a secret `key`."""

    def __init__(self, key: bytes) -> None:
        self._sealing = blake2b(b"forwarded", digest_size=16, key=blake2b(key, digest_size=32).digest())

    def headers(self, forward: Forward) -> Headers:
        """The headers of a record to forward."""
        origin = forward.origin
        texts = {"version": VERSION, "purpose": origin.purpose, "topic": origin.topic}
        texts |= {"partition": origin.partition, "offset": origin.offset}
        headers = [(name, str(value).encode()) for name, value in texts.items()]
        return [*headers, ("seal", self._seal(forward.target, headers, forward.key, forward.value))]

    def opened(
        self,
        place: tuple[int, int],
        headers: Iterable[tuple[str, bytes | None]],
        key: bytes | None,
        value: bytes | None,
    ) -> Origin:
        """The origin of a record that lies at that `place` (partition, offset); of one that is none of ours its place
        and why. Never raises."""
        found = [(name, data or b"") for name, data in headers or ()]
        sealed = [(name, data) for name, data in found if name != "seal"]
        if dict(found).get("seal") == self._seal(place[0], sealed, key, value):
            return _origin({name: data.decode() for name, data in sealed}, place)
        why = "it was not sealed by a worker with this MAALSTROM_TOKEN_KEY: somebody else wrote it, or it is damaged"
        return Origin(FOREIGN, FORWARDED, *place, why)

    def _seal(self, target: int, headers: Sequence[tuple[str, bytes]], key: bytes | None, value: bytes | None) -> bytes:
        sealing = self._sealing.copy()
        inside = (each for name, data in headers for each in (name.encode("utf-8", "replace"), data))
        for part in (str(target).encode(), *inside, key, value):
            sealing.update(b"-" if part is None else b"%d:%b" % (len(part), part))
        return sealing.digest()


def _origin(headers: dict[str, str], place: tuple[int, int]) -> Origin:
    version = headers["version"]
    if version != str(VERSION):
        why = f"a worker of another version wrote it (form {version}, this one reads {VERSION}): run one version"
        return Origin(FOREIGN, FORWARDED, *place, why)
    return Origin(headers["purpose"], headers["topic"], int(headers["partition"]), int(headers["offset"]))
