"""Who visits the simulated shop: guests, customers, apps, shared browsers, nobody; and what they consent to."""

from random import Random

from streams.core.parsing.units import DAY
from streams.simulate.site import visits
from streams.simulate.site.orders import Purchase, buy, refund_of_another_shop
from streams.simulate.site.stories import HOUR, MINUTE, Met, Visitor

_CONSENTS = ("silent", "allowed", "denied", "withdrawn", "back")


def visitor(rng: Random, number: int, begin: int, end: int) -> Visitor:
    """Somebody, before anything happened; times in ms."""
    kind = rng.choices(("guest", "member", "app", "numbered", "nobody"), (30, 45, 12, 10, 3))[0]
    anonymous = f"{rng.getrandbits(32):08x}-7a3c-4b1e-9d2f-{number:012x}"
    login = rng.randrange(begin, end)
    if kind == "guest":
        return Visitor("", anonymous, end)
    if kind == "nobody":
        return Visitor("", "", end)
    if kind == "app":
        return Visitor(f"app-{number:06}", "", 0, style="app")
    return Visitor(f"user-{number:06}" if kind == "member" else f"{40_000_000 + number}", anonymous, login)


def stories(rng: Random, number: int, begin: int, end: int, buyers: float) -> tuple[list[Visitor], list[Purchase]]:
    """Somebody's story, or that of two who share a browser: everything they do, in any order; such a share buys."""
    if rng.random() < 0.02:
        everybody = _pair(rng, number, begin, end)
    else:
        everybody = [visitor(rng, number, begin, end)]
        _consent(rng, everybody[0], begin, end)
    orders: list[Purchase] = []
    for one in everybody:
        _log_in(rng, one, begin)
        for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 4, 6))):
            visits.visit(rng, one, rng.randrange(begin, end))
    for n, one in enumerate(everybody):
        for m in range(rng.choices((0, 1, 2), (1 - buyers, 0.8 * buyers, 0.2 * buyers))[0]):
            orders.append(buy(rng, one, _bought(rng, one, begin, end), f"{10_000 + number}{n}{m}"))
    if rng.random() < 0.002:
        refund_of_another_shop(rng, everybody[0], rng.randrange(begin, end), f"other-{number}")
    return everybody, orders


def _bought(rng: Random, one: Visitor, begin: int, end: int) -> int:
    """When: often soon after a touch; who shares a browser has logged in by then."""
    soon = [met.time + rng.randrange(MINUTE, 20 * HOUR) for met in one.own]
    time = rng.choice(soon) if soon and rng.random() < 0.7 else rng.randrange(begin, end)
    return max(time, one.login + MINUTE) if one.doubtful is not None else time


def _pair(rng: Random, number: int, begin: int, end: int) -> list[Visitor]:
    """Two people with one browser: what it did before they logged in may be either's."""
    shared: list[Met] = []
    browser = f"{rng.getrandbits(32):08x}-7a3c-4b1e-9d2f-{number:012x}"
    logins = [rng.randrange(begin, end) for _ in range(2)]
    return [Visitor(f"pair-{number:06}-{n}", browser, at, doubtful=shared) for n, at in enumerate(logins)]


def _log_in(rng: Random, one: Visitor, begin: int) -> None:
    """The calls that say who somebody is: `identify` with both ids, with one alone, `alias`, `group`."""
    if not one.user:
        return
    one.send(rng, "identify", max(one.login, begin), {"traits": {"newsletter": True}})
    if not one.anonymous:
        one.sent[-1].outcome, one.sent[-1].name = "ignored", "identify"
        return
    if rng.random() < 0.1:
        one.send(rng, "group", one.login + 1, {"groupId": "g1"}, outcome="ignored", name="group")
    if rng.random() < 0.1:
        alias = one.send(rng, "alias", one.login + 2, {"previousId": one.anonymous})
        alias.message.pop("anonymousId")


def _consent(rng: Random, one: Visitor, begin: int, end: int) -> None:
    kind = rng.choices(_CONSENTS, (60, 25, 8, 4, 3))[0]
    if kind in ("allowed", "denied"):
        one.consent = kind == "allowed"
    if kind in ("withdrawn", "back") and (one.user or one.anonymous):
        _says(rng, one, rng.randrange(begin, end), denied=True)
    if kind == "back" and one.words:
        _says(rng, one, min(one.words[0][0] + rng.randrange(HOUR, 9 * DAY), end), denied=False)


def _says(rng: Random, one: Visitor, time: int, denied: bool) -> None:
    one.words.append((time, denied))
    consent = {"consent": {"categoryPreferences": {"advertising": not denied, "functional": True}}}
    name = rng.choice(("Segment Consent Preference Updated", "consent_updated"))
    one.send(rng, "track", time, {"event": name, "context": consent})
