"""What a catalogue says in vain: it is read, and nothing will ever come of it."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from streams.core.catalogue.faults import Finding, found_at
from streams.core.catalogue.model import Campaign, Catalogue, Goal, Match, ShortLink
from streams.core.door.canonical import Words
from streams.core.door.fields import urls
from streams.core.door.fields.ids import NO_SOURCE, PLACEHOLDERS
from streams.core.door.fields.names import event_name, normal
from streams.core.door.fields.spelling import nearly
from streams.core.door.networks import BUILT_IN
from streams.core.door.networks import fits as host_fits
from streams.core.door.orders import NEW_CUSTOMER
from streams.core.door.touches import SPECIFIED
from streams.core.events.campaigns import Campaigns
from streams.core.explain.names import CONTRACT_EVENTS, is_close


def useless(text: str, catalogue: Catalogue, today: date) -> list[Finding]:
    """What is useless in a catalogue of that text, in the order of the lines."""
    found = [
        *(each for at, goal in enumerate(catalogue.goals) for each in _goal(text, at, goal, today)),
        *_goals_alike(text, catalogue.goals),
        *(each for at, one in enumerate(catalogue.campaigns) for each in _campaign(text, at, one, today)),
        *_matches(text, catalogue.campaigns),
        *_holdouts(text, catalogue, today),
        *_links(text, catalogue, today),
    ]
    return sorted(found)


def _goal(text: str, at: int, goal: Goal, today: date) -> Iterator[Finding]:
    def say(said: str, *path: str | int) -> Finding:
        return found_at(text, f'goal "{goal.id}": {said}', "goal", at, *path)

    meant = nearly(goal.event, CONTRACT_EVENTS)
    if meant and is_close(goal.event, meant):
        yield say(f'"{goal.event}" is counted as it is spelt; did you mean "{meant}"?', "event")
    if event_name(goal.event) in SPECIFIED:
        yield say(f'"{goal.event}" is a touch; while a goal counts it, it is none', "event")
    if goal.by and goal.by < today:
        yield say(f"its deadline {goal.by} is over; set by to a later day, or leave it out", "by")
    if goal.by and goal.target is None:
        yield say("by without a target says nothing; add target = …", "by")
    if NEW_CUSTOMER in goal.where and not isinstance(goal.where[NEW_CUSTOMER], bool):
        yield say(
            "new_customer is read as true or false, so the goal is never reached; write it so", "where", NEW_CUSTOMER
        )
    if not any((goal.windows.click, goal.windows.engage, goal.windows.view)):
        yield say("windows of no length leave every conversion without a touch", "windows")


def _goals_alike(text: str, goals: Sequence[Goal]) -> Iterator[Finding]:
    first: dict[object, Goal] = {}
    for at, goal in enumerate(goals):
        counted = (event_name(goal.event), tuple(sorted(goal.where.items())), goal.id_field, goal.value, goal.windows)
        same = first.setdefault(counted, goal)
        if same is not goal:
            yield found_at(text, f'goal "{goal.id}": it counts the same as goal "{same.id}"', "goal", at)


def _campaign(text: str, at: int, campaign: Campaign, today: date) -> Iterator[Finding]:
    def say(said: str, *path: str | int) -> Finding:
        return found_at(text, f'campaign "{campaign.id}": {said}', "campaign", at, *path)

    if campaign.end and campaign.end < today:
        yield say(f"it ended on {campaign.end}", "end")
    yield from (say(f'"{word}" is nobody\'s name: messages that say so count as without a campaign', *path)
                for word, path in _names(campaign) if _says_nothing(word))  # fmt: skip
    for key, words, known in (("aliases", campaign.aliases, [campaign.id]), ("coupons", campaign.coupons, [])):
        yield from (say(f'"{word}" in {key} is the same name as {same}', key) for word, same in _again(words, known))
    yield from (say(f'the coupon "{word}" never fits: messages part theirs at commas; write each by itself', "coupons")
                for word in campaign.coupons if "," in normal(word))  # fmt: skip
    yield from (say(said, "match", key) for key, said in _of_match(campaign.match or Match()))


def _of_match(match: Match) -> Iterator[tuple[str, str]]:
    host = match.host.removeprefix("*").removesuffix("*").strip(".")
    if "/" in host:
        yield "host", f'"{match.host}" never fits: write the host alone, such as "facebook.com"'
    elif host and not BUILT_IN.of(host):
        yield "host", f"visits from {host} are no touches unless [networks] of sources.toml lists it"
    if match.path and (match.path[0] not in "/*" or any(mark in match.path for mark in "?#")):
        yield "path", f'"{match.path}" never fits: a path begins with / and has no query, such as "/autumn*"'


def _names(campaign: Campaign) -> Iterator[tuple[str, tuple[str | int, ...]]]:
    yield campaign.id, ("id",)
    yield from ((alias, ("aliases",)) for alias in campaign.aliases)


def _says_nothing(word: str) -> bool:
    return word.strip().casefold() in PLACEHOLDERS or normal(word) in NO_SOURCE or not normal(word)


def _again(words: Iterable[str], known: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The words that are another one in normal form, with that one."""
    first = {normal(word): f'the id "{word}"' for word in known}
    for word in words:
        if normal(word) in first:
            yield word, first[normal(word)]
        first.setdefault(normal(word), f'"{word}" before it')


def _matches(text: str, campaigns: Sequence[Campaign]) -> Iterator[Finding]:
    before: list[Campaign] = []
    for at, campaign in enumerate(campaigns):
        if campaign.match is None:
            continue
        taker = next((each for each in before if each.match and covers(each.match, campaign.match)), None)
        if taker:
            said = f'campaign "{campaign.id}": its match never fits: "{taker.id}" before it takes all; put it first'
            yield found_at(text, said, "campaign", at, "match")
        before.append(campaign)


def covers(one: Match, other: Match) -> bool:
    """Whether whatever fits the other match fits the one, too."""
    return (
        one.network in ("", other.network)
        and one.medium in ("", other.medium)
        and (not one.host or (bool(other.host) and host_fits(one.host, other.host)))
        and (not one.path or (bool(other.path) and _path_covers(one.path, other.path)))
    )


def _path_covers(one: str, other: str) -> bool:
    """Whether each path that the other pattern fits begins, or ends, as the one pattern says."""
    start, star, end = one.partition("*")
    if not star:
        return one == other
    if "*" in end:
        return one == other
    fixed = other.partition("*")[0], other.rpartition("*")[2]
    long_enough = len(other) >= len(start) + len(end) + (1 if "*" in other else 0)
    return long_enough and fixed[0].startswith(start) and fixed[1].endswith(end)


def _holdouts(text: str, catalogue: Catalogue, today: date) -> Iterator[Finding]:
    salts: dict[str, str] = {}
    for at, holdout in enumerate(catalogue.holdouts):
        name, end = holdout.campaign.id, holdout.campaign.end
        if end and end < today:
            yield found_at(text, f'holdout of "{name}": the campaign ended on {end}', "holdout", at, "campaign")
        if holdout.campaign.internal:
            said = f'holdout of "{name}": the campaign is internal and in no journey'
            yield found_at(text, said, "holdout", at, "campaign")
        if holdout.salt in salts:
            said = f'holdout of "{name}": its salt is that of "{salts[holdout.salt]}", so both hold out the same users'
            yield found_at(text, f"{said}; give each its own", "holdout", at, "salt")
        salts.setdefault(holdout.salt, name)


def _links(text: str, catalogue: Catalogue, today: date) -> Iterator[Finding]:
    campaigns = {campaign.id: campaign for campaign in catalogue.campaigns}
    for at, link in enumerate(catalogue.links):
        for said, key in _link(link, campaigns[link.campaign], catalogue, today):
            yield found_at(text, f'link "{link.code}": {said}', "link", at, key)


def _link(link: ShortLink, campaign: Campaign, catalogue: Catalogue, today: date) -> Iterator[tuple[str, str]]:
    if campaign.end and campaign.end < today:
        yield f"its campaign ended on {campaign.end}", "campaign"
    if campaign.internal:
        yield "its campaign is internal: who follows it is counted, and in no journey", "campaign"
    query = urls.query(link.to, "")
    words = Words(normal(query.id), normal(query.name))
    named = Campaigns(catalogue).of_touch(words) if words.id or words.name else campaign.id
    if named != campaign.id:
        yield f'its address names the campaign "{named}", and its visits are of that one', "to"
