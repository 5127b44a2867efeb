"""How often somebody may try a password. An attempt counts before the password is looked at, so that many at once are
many; one that succeeds takes back those of that name from that address. Pure: time is given."""

from __future__ import annotations

from collections import OrderedDict
from ipaddress import IPv6Address, ip_address

PERIOD = 15 * 60.0  # s
# A name from one address; an address, whatever the names; a name, from wherever.
BY_PAIR, BY_ADDRESS, BY_NAME = 5, 20, 50
MOST_KEYS = 20_000  # remembered; the oldest are forgotten


class Attempts:
    """Attempts of the last quarter of an hour."""

    def __init__(self) -> None:
        self._made: OrderedDict[tuple[str, str], list[float]] = OrderedDict()

    def wait(self, name: str, address: str, now: float) -> float:
        """Seconds until that name may be tried from that address; 0 = now."""
        return max(self._wait(key, most, now) for key, most in _limits(name, address))

    def begin(self, name: str, address: str, now: float) -> None:
        """An attempt that is made now."""
        for key, _ in _limits(name, address):
            self._made[key] = [*self._recent(key, now), now]
            self._made.move_to_end(key)
        while len(self._made) > MOST_KEYS:
            self._made.popitem(last=False)

    def succeeded(self, name: str, address: str) -> None:
        """The password was right."""
        for (key, _), part in zip(_limits(name, address), ("pair", "address", "name"), strict=True):
            if part == "pair":
                self._made.pop(key, None)
            elif made := self._made.get(key):
                made.pop()

    def _wait(self, key: tuple[str, str], most: int, now: float) -> float:
        recent = self._recent(key, now)
        return recent[-most] + PERIOD - now if len(recent) >= most else 0.0

    def _recent(self, key: tuple[str, str], now: float) -> list[float]:
        return [at for at in self._made.get(key, ()) if at > now - PERIOD]


def _limits(name: str, address: str) -> tuple[tuple[tuple[str, str], int], ...]:
    network = _network(address)
    return (((name, network), BY_PAIR), (("", network), BY_ADDRESS), ((name, ""), BY_NAME))


def _network(address: str) -> str:
    """Of IPv6 the first 64 bits: one customer has all of them."""
    try:
        known = ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(known, IPv6Address) and not known.ipv4_mapped:
        return str(IPv6Address(int(known) >> 64 << 64))
    return str(known)
