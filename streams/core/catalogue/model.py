"""What a catalogue is made of: goals, campaigns, holdouts, links."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cached_property

from streams.core.door.fields.names import event_name, normal

ORDER_ID = "order_id"  # the property that is a conversion's id where a goal names no other
UNIT = "conversions"  # what a goal counts where it does not say


@dataclass(frozen=True)
class Windows:
    """How long before a conversion a touch still counts, by action class, in milliseconds, inclusive."""

    click: int
    engage: int
    view: int


@dataclass(frozen=True)
class Goal:
    """A checkout event that counts. `value` is a fixed amount in millionths, or None: the event's own revenue.

    `id_field` is the property that is the conversion's id; `messageId` makes every message one by itself. What
    `counts_for_return` is in the return on what was spent; others there would count a checkout twice.
    """

    id: str
    name: str
    event: str
    where: Mapping[str, str | int | float | bool]
    unit: str
    target: Decimal | None
    by: date | None
    value: int | None
    windows: Windows
    id_field: str = ORDER_ID
    counts_for_return: bool = True


@dataclass(frozen=True)
class Match:
    """What a touch without a campaign has to be to count for one; '' says nothing. Normalised as names compare.

    `host` is a referrer's, with `*` for one or more characters at one end; `path` a landing page's, with `*` for any.
    """

    network: str = ""
    host: str = ""
    path: str = ""
    medium: str = ""


@dataclass(frozen=True)
class Campaign:
    """One effort to reach people. Ids, aliases and coupons compare as names do.

    An `internal` one is the shop's own: its touches are counted, and in no journey.
    """

    id: str
    name: str
    means: str
    aliases: tuple[str, ...]
    coupons: tuple[str, ...]
    start: date | None
    end: date | None
    match: Match | None = None
    internal: bool = False


@dataclass(frozen=True)
class Holdout:
    """A share of all users, above 0 and below 1, to whom a campaign is not shown; `salt` decides to which."""

    campaign: Campaign
    share: Decimal
    salt: str


@dataclass(frozen=True)
class ShortLink:
    """A short link or QR code: who follows `code` is sent `to` that address, a touch of the campaign."""

    code: str
    to: str
    campaign: str
    network: str
    action: str


@dataclass(frozen=True)
class Catalogue:
    """Everything that `catalogue.toml` says."""

    base_currency: str
    goals: tuple[Goal, ...]
    campaigns: tuple[Campaign, ...]
    holdouts: tuple[Holdout, ...] = ()
    timezone: str = "UTC"
    links: tuple[ShortLink, ...] = ()
    #: Units of the base currency for one of another, where no rate of the day is known.
    rates: Mapping[str, Decimal] = field(default_factory=dict)

    @cached_property
    def events(self) -> frozenset[str]:
        """The checkout event names that some goal counts."""
        return frozenset(goal.event for goal in self.goals)

    @cached_property
    def id_fields(self) -> tuple[str, ...]:
        """The properties that are a conversion's id for some goal."""
        return tuple(dict.fromkeys(goal.id_field for goal in self.goals))

    @cached_property
    def id_fields_of(self) -> Mapping[str, tuple[str, ...]]:
        """The properties that are a conversion's id for some goal, by the normalised event that it counts."""
        found: dict[str, dict[str, None]] = {}
        for goal in self.goals:
            found.setdefault(event_name(goal.event), {})[goal.id_field] = None
        return {event: tuple(fields) for event, fields in found.items()}

    @cached_property
    def longest_window(self) -> int:
        """The longest window of any goal, in milliseconds: touches older than this are of no use."""
        return max(max(g.windows.click, g.windows.engage, g.windows.view) for g in self.goals)

    @cached_property
    def internal(self) -> frozenset[str]:
        """The ids of the campaigns that are in no journey."""
        return frozenset(campaign.id for campaign in self.campaigns if campaign.internal)

    @cached_property
    def _listed(self) -> dict[str, str]:
        """Id or alias, normalised, to campaign id."""
        return {normal(name): c.id for c in self.campaigns for name in (*c.aliases, c.id)}

    @cached_property
    def _coupons(self) -> dict[str, str]:
        return {normal(coupon): campaign.id for campaign in self.campaigns for coupon in campaign.coupons}

    def listed(self, name: str) -> str | None:
        """The id of the campaign that a normalised name stands for; None where the catalogue lists none."""
        return self._listed.get(name)

    def resolve(self, id: str | None, name: str | None, coupon: str | None) -> str:  # noqa: A002 - the field's name
        """The campaign of an event: its id, else name, else its coupon's campaign, through the aliases; '' = none."""
        called = id or name
        return self.named(called) if called else self.of_coupons([normal(coupon or "")])

    def named(self, name: str) -> str:
        """The campaign that somebody calls so: the one that the catalogue lists, else the normalised name."""
        called = normal(name)
        return self._listed.get(called, called)

    def of_coupons(self, coupons: Iterable[str]) -> str:
        """The campaign of the first of the normalised coupons that has one; '' = none."""
        return next((self._coupons[coupon] for coupon in coupons if coupon in self._coupons), "")
