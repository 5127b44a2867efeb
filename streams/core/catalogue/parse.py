"""The catalogue (`catalogue.toml`), read and checked: which goals are counted and which campaigns there are."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from math import isfinite

from streams.core.catalogue.model import ORDER_ID, UNIT, Campaign, Catalogue, Goal, Holdout, Match, ShortLink, Windows
from streams.core.catalogue.windows import duration, windows
from streams.core.door.fields.names import event_name, normal
from streams.core.door.networks import BUILT_IN
from streams.core.door.segment import RESERVED
from streams.core.parsing.toml import CatalogueError, Path, TomlTable, kept, load, shown

__all__ = [
    "Campaign",
    "Catalogue",
    "CatalogueError",
    "Goal",
    "Holdout",
    "Match",
    "ShortLink",
    "Windows",
    "duration",
    "parse",
]

_GOAL_KEYS = (
    "id",
    "name",
    "event",
    "where",
    "unit",
    "target",
    "by",
    "value",
    "windows",
    "id_field",
    "counts_for_return",
)
_CAMPAIGN_KEYS = ("id", "name", "means", "aliases", "coupons", "match", "internal", "start", "end")
_LINK_KEYS = ("code", "to", "campaign", "network", "action")
_MATCH_KEYS = ("network", "host", "path", "medium")
_LINK_ACTIONS = ("scan", "visit")
_CODE = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
# An address of the web, with a host and nothing that a browser could read in another way.
_ADDRESS = re.compile(r"https?://([^\s/?#@\\:%\"<>^`{|}\[\]]+)(:[0-9]{1,5})?([/?#][^\s\\]*)?", re.IGNORECASE)
_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*", re.ASCII)
_HOLDOUT_KEYS = ("campaign", "share", "salt")


def parse(text: str, source: str = "catalogue.toml", without: Iterable[Path] = ()) -> Catalogue:
    """Read and check a catalogue, but for what is `without`; raises CatalogueError with `source`, the line, what is
    wrong and what to do."""
    root = TomlTable(load(text, source, without), (), text, source)
    root.only(("base_currency", "timezone", "goal", "campaign", "holdout", "link", "rates"))
    goals = _goals(list(root.tables("goal")))
    if not root.values.get("goal"):
        root.fail("there is no goal", "add a [[goal]] with an id and an event")
    campaigns = tuple(map(_campaign, root.tables("campaign")))
    _refuse_shared(root, "goal", [_claims((goal.id,), "id") for goal in goals])
    _refuse_shared(root, "campaign", [_claims((c.id,), "id") | _claims(c.aliases, "aliases") for c in campaigns])
    _refuse_shared(root, "campaign", [_claims(c.coupons, "coupons") for c in campaigns])
    base = _currency(root)
    catalogue = Catalogue(base, goals, campaigns, timezone=_timezone(root), rates=_rates(root.table("rates"), base))
    return replace(catalogue, holdouts=_holdouts(root, catalogue), links=_links(root, catalogue))


def _goals(tables: Sequence[TomlTable]) -> tuple[Goal, ...]:
    """The goals; of each event those count for the return that say so, else the first that says nothing."""
    goals = tuple(map(_goal, tables))
    said = [table.boolean("counts_for_return") if "counts_for_return" in table.values else None for table in tables]
    counted = {event_name(goal.event) for goal, counts in zip(goals, said, strict=True) if counts}
    resolved = []
    for goal, counts in zip(goals, said, strict=True):
        event = event_name(goal.event)
        resolved.append(replace(goal, counts_for_return=event not in counted if counts is None else counts))
        counted |= {event} if counts is None else set()
    return tuple(resolved)


def _goal(table: TomlTable) -> Goal:
    table.only(_GOAL_KEYS)
    name = table.string("id")
    return Goal(
        id=name,
        name=table.string("name", name),
        event=_event(table),
        where=_where(table.table("where")),
        unit=table.string("unit", UNIT),
        target=_target(table),
        by=table.date("by"),
        value=_value(table),
        windows=windows(table.table("windows")),
        id_field=table.string("id_field", ORDER_ID),
    )


def _campaign(table: TomlTable) -> Campaign:
    table.only(_CAMPAIGN_KEYS)
    name = table.string("id")
    start, end = table.date("start"), table.date("end")
    if start and end and end < start:
        table.fail(f"end {end} is before start {start}", "exchange the two dates or correct one", "end")
    names = table.string("name", name), table.string("means", "other")
    words = table.strings("aliases"), table.strings("coupons")
    return Campaign(name, *names, *words, start, end, _match(table), table.boolean("internal"))


def _match(table: TomlTable) -> Match | None:
    if "match" not in table.values:
        return None
    wanted = table.table("match")
    wanted.only(_MATCH_KEYS)
    if not wanted.values:
        table.fail("match is empty", 'say what fits, such as match = { network = "facebook" }', "match")
    said = {key: wanted.string(key) for key in wanted.values}
    if "*" in said.get("host", "").strip("*") or said.get("host", "").count("*") > 1:
        wanted.fail(f"host is {shown(said['host'])}", "write * at one end only, such as *.facebook.com", "host")
    network, host = _network(said.get("network", "")), _host(said.get("host", ""))
    return Match(network, host, normal(said.get("path", "")), normal(said.get("medium", "")))


def _network(text: str) -> str:
    return BUILT_IN.named(normal(text))


def _host(text: str) -> str:
    return normal(text).removeprefix("www.")


def _links(root: TomlTable, catalogue: Catalogue) -> tuple[ShortLink, ...]:
    links = tuple(_link(table, catalogue) for table in root.tables("link"))
    _refuse_shared(root, "link", [{link.code: "code"} for link in links], named_by="code")
    return links


def _link(table: TomlTable, catalogue: Catalogue) -> ShortLink:
    table.only(_LINK_KEYS)
    code, to, action = table.string("code"), table.string("to"), table.string("action", "scan")
    if not _CODE.fullmatch(code):
        table.fail(f"code is {shown(code)}", "write letters, digits, - and _ (64 at most)", "code")
    if action not in _LINK_ACTIONS:
        table.fail(f"action is {shown(action)}", 'write action = "scan" or action = "visit"', "action")
    if not _is_address(to):
        table.fail(f"to is {shown(to)}", "write a whole address, such as https://shop.example/autumn", "to")
    return ShortLink(code, to, _campaign_of(table, catalogue).id, _network(table.string("network", "link")), action)


def _is_address(to: str) -> bool:
    found = _ADDRESS.fullmatch(to)
    try:
        return bool(found and to.isprintable() and found[1].encode("idna"))
    except UnicodeError:  # no such host can be asked for
        return False


def _timezone(root: TomlTable) -> str:
    zone = root.string("timezone", "UTC")
    if not _ZONE.fullmatch(zone):
        root.fail(f"timezone is {shown(zone)}", 'write a name of the tz database, such as "Europe/Oslo"', "timezone")
    return zone


def _holdouts(root: TomlTable, catalogue: Catalogue) -> tuple[Holdout, ...]:
    holdouts = tuple(_holdout(table, catalogue) for table in root.tables("holdout"))
    _refuse_shared(root, "holdout", [{holdout.campaign.id: "campaign"} for holdout in holdouts], named_by="campaign")
    return holdouts


def _holdout(table: TomlTable, catalogue: Catalogue) -> Holdout:
    table.only(_HOLDOUT_KEYS)
    share, salt = _share(table), table.string("salt")
    return Holdout(_campaign_of(table, catalogue), share, salt)


def _campaign_of(table: TomlTable, catalogue: Catalogue) -> Campaign:
    called = table.string("campaign")
    campaign = next((c for c in catalogue.campaigns if c.id == catalogue.named(called)), None)
    if campaign is None:
        table.fail(f"there is no campaign {shown(called)}", "list it as a [[campaign]], or correct the id", "campaign")
    return campaign


def _share(table: TomlTable) -> Decimal:
    remedy = "write the share of users to hold out, such as share = 0.10"
    if "share" not in table.values:
        table.fail("share is missing", remedy)
    share = table.amount("share", remedy)
    if not 0 < share < 1:
        table.fail(f"share is {shown(table.values['share'])}, not between 0 and 1", remedy, "share")
    return share


def _event(table: TomlTable) -> str:
    event = table.string("event")
    if event_name(event) in RESERVED:
        table.fail(f'a goal cannot count "{event}"', 'name a checkout event, such as "Order Completed"', "event")
    return event


def _where(table: TomlTable) -> dict[str, str | int | float | bool]:
    conditions = {key: float(v) if isinstance(v, Decimal) else v for key, v in table.values.items()}
    for key, value in conditions.items():
        if not isinstance(value, str | int | float) or (isinstance(value, float) and not isfinite(value)):
            table.fail(f"where.{key} is {shown(value)}", "compare with a text, a number, true or false", key)
    return conditions


def _target(table: TomlTable) -> Decimal | None:
    if "target" not in table.values:
        return None
    target = table.amount("target", "write the number to reach, such as target = 100")
    if not target:
        table.fail("target is 0", "write the number to reach, or leave target out", "target")
    return target


def _value(table: TomlTable) -> int | None:
    """A fixed value in millionths; None for "revenue", which is also the default."""
    if table.values.get("value", "revenue") == "revenue":
        return None
    return int(table.amount("value", 'write value = "revenue", or an amount without quotes such as 28.30').scaleb(6))


def _currency(root: TomlTable) -> str:
    currency = root.string("base_currency").upper()
    if not re.fullmatch("[A-Z]{3}", currency):
        root.fail(
            f'base_currency "{currency}" is not a currency', 'write its ISO 4217 code, such as "NOK"', "base_currency"
        )
    return currency


def _rates(table: TomlTable, base: str) -> dict[str, Decimal]:
    """Units of the base currency for one of each other."""
    rates: dict[str, Decimal] = {}
    for key in table.values:
        code = key.upper()
        if not re.fullmatch("[A-Z]{3}", code) or code == base:
            table.fail(f'"{key}" is no other currency', f"write the code of one that is not {base}, such as EUR", key)
        rates[code] = table.decimal(key, f'write how many {base} one {code} is, such as {code} = "11.60"')
    return rates


def _claims(names: Sequence[str], key: str) -> dict[str, str]:
    """Normalised name to the key that claims it."""
    return {normal(name): key for name in names}


def _refuse_shared(root: TomlTable, kind: str, claims: Sequence[Mapping[str, str]], named_by: str = "id") -> None:
    """Two goals, campaigns or holdouts must not claim one name: what came in under it would be counted as either."""
    owners: dict[str, int] = {}
    for index, claimed in zip(kept(root.values.get(kind, ())), claims, strict=True):
        for name, key in claimed.items():
            if owners.setdefault(name, index) != index:
                first = f'{kind} "{root.values[kind][owners[name]][named_by]}"'
                root.fail(f'"{name}" in {key} already belongs to {first}', "give each its own", kind, index, key)
