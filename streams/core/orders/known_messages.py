"""Which messages of orders were taken in: each known by its id, its event and its order."""

from collections.abc import Collection

_FEW = 8  # places of one id that are looked through one by one


class KnownMessages:
    """The messages of the orders of a partition. A client may give one id to any number of them."""

    def __init__(self) -> None:
        self.places: dict[str, tuple[str, ...] | set[str]] = {}  # event and order, by message id

    def seen(self, message_id: str, event: str, order_id: str) -> tuple[bool, bool]:
        """Whether that message is known; whether another is that has its id."""
        known = self.places.get(message_id, ())
        again = _place(event, order_id) in known
        return again, bool(known) and not again

    def add(self, message_id: str, event: str, order_id: str) -> None:
        """Know a message from now on."""
        known, place = self.places.get(message_id, ()), _place(event, order_id)
        if isinstance(known, set):
            known.add(place)
        elif place not in known:
            self.places[message_id] = (*known, place) if len(known) < _FEW else {*known, place}

    def keep(self, orders: Collection[str]) -> None:
        """Forget the messages of all but those orders."""
        kept = ((m, type(places)(p for p in places if _order_of(p) in orders)) for m, places in self.places.items())
        self.places = {message_id: places for message_id, places in kept if places}


def _place(event: str, order_id: str) -> str:
    return f"{event}\0{order_id}"


def _order_of(place: str) -> str:
    return place.partition("\0")[2]
