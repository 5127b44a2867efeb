"""The catalogue: which goals are counted and which campaigns there are (`catalogue.toml`)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import cached_property
from math import isfinite

from streams.core.catalogue_toml import CatalogueError, Table, load, shown

__all__ = ["Campaign", "Catalogue", "CatalogueError", "Goal", "Holdout", "Windows", "duration", "parse"]

RESERVED_EVENTS = frozenset({"Order Refunded", "Order Cancelled", "Social Interaction"})

_UNITS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_LONGEST = 36_500 * _UNITS["d"]
_DEFAULT_WINDOWS = {"click": "7d", "engage": "1d", "view": "1d"}
_GOAL_KEYS = ("id", "name", "event", "where", "unit", "target", "by", "value", "windows")
_CAMPAIGN_KEYS = ("id", "name", "means", "aliases", "coupons", "start", "end")
_HOLDOUT_KEYS = ("campaign", "share", "salt")


@dataclass(frozen=True)
class Windows:
    """How long before a conversion a touch still counts, by action class, in milliseconds, inclusive."""

    click: int
    engage: int
    view: int


@dataclass(frozen=True)
class Goal:
    """A checkout event that counts. `value` is a fixed amount in millionths, or None: the event's own revenue."""

    id: str
    name: str
    event: str
    where: Mapping[str, str | int | float | bool]
    unit: str
    target: Decimal | None
    by: date | None
    value: int | None
    windows: Windows


@dataclass(frozen=True)
class Campaign:
    """One effort to reach people. `aliases` and `id` compare case-insensitively, `coupons` exactly."""

    id: str
    name: str
    means: str
    aliases: tuple[str, ...]
    coupons: tuple[str, ...]
    start: date | None
    end: date | None


@dataclass(frozen=True)
class Holdout:
    """A share of all users, above 0 and below 1, to whom a campaign is not shown; `salt` decides to which."""

    campaign: Campaign
    share: Decimal
    salt: str


@dataclass(frozen=True)
class Catalogue:
    """Everything that `catalogue.toml` says."""

    base_currency: str
    goals: tuple[Goal, ...]
    campaigns: tuple[Campaign, ...]
    holdouts: tuple[Holdout, ...] = ()

    @cached_property
    def events(self) -> frozenset[str]:
        """The checkout event names that some goal counts."""
        return frozenset(goal.event for goal in self.goals)

    @cached_property
    def longest_window(self) -> int:
        """The longest window of any goal, in milliseconds: touches older than this are of no use."""
        return max(max(g.windows.click, g.windows.engage, g.windows.view) for g in self.goals)

    @cached_property
    def _listed(self) -> dict[str, str]:
        """Case-folded id, alias or unambiguous display name to campaign id; an id or alias wins over a name."""
        names: dict[str, set[str]] = {}
        for campaign in self.campaigns:
            names.setdefault(campaign.name.casefold(), set()).add(campaign.id)
        listed = {name: ids.pop() for name, ids in names.items() if len(ids) == 1}
        for campaign in self.campaigns:
            listed.update((alias.casefold(), campaign.id) for alias in (campaign.id, *campaign.aliases))
        return listed

    @cached_property
    def _coupons(self) -> dict[str, str]:
        return {coupon: campaign.id for campaign in self.campaigns for coupon in campaign.coupons}

    def resolve(self, id: str | None, name: str | None, coupon: str | None) -> str:  # noqa: A002 - the field's name
        """The campaign of an event: its id, else name, else its coupon's campaign, through the aliases; '' = none."""
        called = id or name
        if not called:
            return self._coupons.get(coupon, "") if coupon else ""
        folded = called.casefold()
        return self._listed.get(folded, folded)


def duration(text: str) -> int:
    """Milliseconds of `<n>s`, `<n>m`, `<n>h` or `<n>d`; ValueError for anything else or more than 36500d."""
    match = re.fullmatch(r"([0-9]{1,12})([smhd])", text)
    length = int(match[1]) * _UNITS[match[2]] if match else -1
    if not 0 <= length <= _LONGEST:
        raise ValueError(
            f'"{text}" is not a duration; write a whole number and s, m, h or d, such as "7d", up to 36500d'
        )
    return length


def parse(text: str, source: str = "catalogue.toml") -> Catalogue:
    """Read and check a catalogue; raises CatalogueError with `source`, the line, what is wrong and what to do."""
    root = Table(load(text, source), (), text, source)
    root.only(("base_currency", "goal", "campaign", "holdout"))
    goals = tuple(map(_goal, root.tables("goal")))
    if not goals:
        root.fail("there is no goal", "add a [[goal]] with an id and an event")
    campaigns = tuple(map(_campaign, root.tables("campaign")))
    _refuse_shared(root, "goal", [_claims((goal.id,), "id") for goal in goals])
    _refuse_shared(root, "campaign", [_claims((c.id,), "id") | _claims(c.aliases, "aliases") for c in campaigns])
    _refuse_shared(root, "campaign", [dict.fromkeys(c.coupons, "coupons") for c in campaigns])
    catalogue = Catalogue(_currency(root), goals, campaigns)
    return replace(catalogue, holdouts=_holdouts(root, catalogue))


def _goal(table: Table) -> Goal:
    table.only(_GOAL_KEYS)
    name = table.string("id")
    return Goal(
        id=name,
        name=table.string("name", name),
        event=_event(table),
        where=_where(table.table("where")),
        unit=table.string("unit", "conversions"),
        target=_target(table),
        by=table.date("by"),
        value=_value(table),
        windows=_windows(table.table("windows")),
    )


def _campaign(table: Table) -> Campaign:
    table.only(_CAMPAIGN_KEYS)
    name = table.string("id")
    start, end = table.date("start"), table.date("end")
    if start and end and end < start:
        table.fail(f"end {end} is before start {start}", "exchange the two dates or correct one", "end")
    names = table.string("name", name), table.string("means", "other")
    return Campaign(name, *names, table.strings("aliases"), table.strings("coupons"), start, end)


def _holdouts(root: Table, catalogue: Catalogue) -> tuple[Holdout, ...]:
    holdouts = tuple(_holdout(table, catalogue) for table in root.tables("holdout"))
    _refuse_shared(root, "holdout", [{holdout.campaign.id: "campaign"} for holdout in holdouts], named_by="campaign")
    return holdouts


def _holdout(table: Table, catalogue: Catalogue) -> Holdout:
    table.only(_HOLDOUT_KEYS)
    called = table.string("campaign")
    listed = {campaign.id: campaign for campaign in catalogue.campaigns}
    campaign = listed.get(catalogue.resolve(called, None, None))
    if campaign is None:
        table.fail(f"there is no campaign {shown(called)}", "list it as a [[campaign]], or correct the id", "campaign")
    return Holdout(campaign, _share(table), table.string("salt"))


def _share(table: Table) -> Decimal:
    remedy = "write the share of users to hold out, such as share = 0.10"
    if "share" not in table.values:
        table.fail("share is missing", remedy)
    share = table.amount("share", remedy)
    if not 0 < share < 1:
        table.fail(f"share is {shown(table.values['share'])}, not between 0 and 1", remedy, "share")
    return share


def _event(table: Table) -> str:
    event = table.string("event")
    if event in RESERVED_EVENTS:
        table.fail(f'a goal cannot count "{event}"', 'name a checkout event, such as "Order Completed"', "event")
    return event


def _where(table: Table) -> dict[str, str | int | float | bool]:
    conditions = {key: float(v) if isinstance(v, Decimal) else v for key, v in table.values.items()}
    for key, value in conditions.items():
        if not isinstance(value, str | int | float) or (isinstance(value, float) and not isfinite(value)):
            table.fail(f"where.{key} is {shown(value)}", "compare with a text, a number, true or false", key)
    return conditions


def _target(table: Table) -> Decimal | None:
    if "target" not in table.values:
        return None
    target = table.amount("target", "write the number to reach, such as target = 100")
    if not target:
        table.fail("target is 0", "write the number to reach, or leave target out", "target")
    return target


def _value(table: Table) -> int | None:
    """A fixed value in millionths; None for "revenue", which is also the default."""
    if table.values.get("value", "revenue") == "revenue":
        return None
    return int(table.amount("value", 'write value = "revenue", or an amount without quotes such as 28.30').scaleb(6))


def _windows(table: Table) -> Windows:
    table.only(tuple(_DEFAULT_WINDOWS))
    lengths = {}
    for key, default in _DEFAULT_WINDOWS.items():
        try:
            lengths[key] = duration(table.string(key, default))
        except CatalogueError:
            raise
        except ValueError as error:
            what, remedy = str(error).split("; ", 1)
            table.fail(f"windows.{key}: {what}", remedy, key)
    return Windows(**lengths)


def _currency(root: Table) -> str:
    currency = root.string("base_currency").upper()
    if not re.fullmatch("[A-Z]{3}", currency):
        root.fail(
            f'base_currency "{currency}" is not a currency', 'write its ISO 4217 code, such as "NOK"', "base_currency"
        )
    return currency


def _claims(names: Sequence[str], key: str) -> dict[str, str]:
    """Case-folded name to the key that claims it."""
    return {name.casefold(): key for name in names}


def _refuse_shared(root: Table, kind: str, claims: Sequence[Mapping[str, str]], named_by: str = "id") -> None:
    """Two goals, campaigns or holdouts must not claim one name: what came in under it would be counted as either."""
    owners: dict[str, int] = {}
    for index, claimed in enumerate(claims):
        for name, key in claimed.items():
            if owners.setdefault(name, index) != index:
                first = f'{kind} "{root.values[kind][owners[name]][named_by]}"'
                root.fail(f'"{name}" in {key} already belongs to {first}', "give each its own", kind, index, key)
