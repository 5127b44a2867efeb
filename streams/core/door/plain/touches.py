"""What plain touches are, worked out once for each way of saying it, then remembered."""

from collections.abc import Collection, Sequence
from typing import Any

from streams.core.door import origin
from streams.core.door.canonical import Words
from streams.core.door.context import Reading
from streams.core.door.fields import ids, urls
from streams.core.door.fields.coupons import of_text
from streams.core.door.fields.names import normal
from streams.core.door.fields.urls import NO_QUERY, Query
from streams.core.door.origin import CampaignParameters, PageAddress
from streams.core.door.plain.batch import Kind
from streams.core.door.plain.calls import (
    NULL,
    Call,
    CampaignContext,
    Context,
    PageContext,
    Properties,
    SocialCall,
    SocialContext,
    SocialProperties,
)
from streams.core.door.touches import ACTIONS

MOST = 1 << 14  # ways of saying something that are remembered
LONGEST = 256  # characters of a word that is remembered
NOT_PLAIN, NO_TOUCH, COMPLETION, UPDATE, CANCELLATION, REFUND = (
    -1,
    -2,
    -3,
    -4,
    -5,
    -6,
)  # beside the codes of touches, which are 0 or more
_NO_WORDS = Words()
_VISIT = "visit "  # of a page, which has to say where its visitor came from; not an action that somebody names
_NO_CONTEXT, _NO_CAMPAIGN, _NO_PAGE, _NO_PROPERTIES = Context(), CampaignContext(), PageContext(), Properties()
_Said = tuple[str, str | None, str | None, CampaignParameters, Query, str, str]


class Kinds:
    """Codes of what touches are; a code holds for a batch, between which they may be forgotten."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self.kinds: list[Kind] = []
        self._codes: dict[Kind, int] = {}
        self._said: dict[_Said, int] = {}
        self._social: dict[tuple[str | None, str | None, str | None, CampaignContext | None], int] = {}
        self._completions: dict[_Said, Words] = {}

    def forget_if_many(self) -> None:
        """Forget everything where much is remembered."""
        if max(len(self._codes), len(self._said), len(self._social), len(self._completions)) > MOST:
            self.forget()

    @property
    def held(self) -> dict[str, Collection[Any]]:
        """What is remembered of kinds, by sort: to be measured."""
        return {"kinds": self._codes, "said": self._said, "social": self._social, "completions": self._completions}

    def forget(self) -> None:
        """Forget everything."""
        self.kinds, self._codes, self._said, self._social, self._completions = [], {}, {}, {}, {}

    def code(self, kind: Kind) -> int:
        """The code of a kind."""
        code = self._codes.get(kind)
        if code is None:
            code = self._codes[kind] = len(self.kinds)
            self.kinds.append(kind)
        return code

    def social(self, call: Call) -> int:
        """The code of a social interaction; NOT_PLAIN where it has to be read field by field."""
        context, of = call.context or _NO_CONTEXT, call.properties or _NO_PROPERTIES
        code = self._social.get((of.action, of.network, of.coupon, context.campaign))
        if code is None or context.page is not None or of.url is not None or not _is_plain(of):
            code = self._social_anew(context, of)
        return code

    def socials(self, calls: Sequence[SocialCall]) -> list[int]:
        """The codes of social interactions; NOT_PLAIN where one has to be read field by field."""
        known = self._social.get
        said = [call.properties or _NO_PROPERTIES for call in calls]
        context = [call.context or _NO_CONTEXT for call in calls]
        pairs = zip(said, context, strict=True)
        codes = [known((of.action, of.network, of.coupon, where.campaign)) for of, where in pairs]
        if None in codes:
            again = zip(codes, said, context, strict=True)
            codes = [self._said_anew(of, where) if code is None else code for code, of, where in again]
        return codes  # type: ignore[return-value]

    def _said_anew(self, of: Properties | SocialProperties, where: Context | SocialContext) -> int:
        said = Properties(action=of.action, network=of.network, coupon=of.coupon)
        return self._social_anew(Context(campaign=where.campaign), said)

    def _social_anew(self, context: Context, of: Properties) -> int:
        campaign = context.campaign or _NO_CAMPAIGN
        code = self._social_elsewhere(of, campaign, context.page or _NO_PAGE)
        if code >= 0 and context.page is None and of.url is None and len(self._social) <= MOST:
            self._social[of.action, of.network, of.coupon, context.campaign] = code
        return code

    def _social_elsewhere(self, properties: Properties, campaign: CampaignContext, page: PageContext) -> int:
        action = (properties.action or "").strip().casefold()
        if action not in ACTIONS or not normal(properties.network or "") or not _is_plain(properties):
            return NOT_PLAIN
        seen = PageAddress(page.url or properties.url or "", page.referrer or "", page.search or "", page.path or "")
        return self._of(action, properties, campaign, seen)

    def visit(self, call: Call) -> int:
        """The code of a visit; NO_TOUCH where it does not say where the visitor came from."""
        context, of = call.context or _NO_CONTEXT, call.properties or _NO_PROPERTIES
        page = context.page or _NO_PAGE
        url, search = of.url or page.url or "", of.search or page.search or ""
        referrer = of.referrer or page.referrer or ""
        if not context.campaign and not search and "?" not in url and not self._known(referrer):
            return NO_TOUCH
        if not _is_plain(of):
            return NOT_PLAIN
        seen = PageAddress(url, referrer, search, of.path or page.path or "")
        return self._of(_VISIT, of, context.campaign or _NO_CAMPAIGN, seen)

    def _known(self, referrer: str) -> bool:
        return bool(referrer) and origin.of_host(urls.host(referrer), self._reading) != ""

    def completion(self, call: Call) -> Words | None:
        """The words of a completion; None where it has to be read field by field."""
        context, of = call.context or _NO_CONTEXT, call.properties or _NO_PROPERTIES
        if not (context.campaign or context.page or of.url or of.coupon or of.network) and _is_plain(of):
            return _NO_WORDS
        seen = context.page or _NO_PAGE
        url = seen.url or of.url or ""
        query = urls.query(url, seen.search or "") if url or seen.search else NO_QUERY
        campaign = _sent(context.campaign or _NO_CAMPAIGN)
        said = ("", of.network, of.coupon, campaign, query, "", "")
        if not _is_plain(of):
            return None
        words = self._completions.get(said)
        if words is None and _is_short(said):
            found = origin.resolved(campaign, query, "", "", self._reading)
            network = self._reading.networks.named(normal(of.network or ""))
            words = self._completions[said] = origin.of_completion(found, network, of_text(of.coupon or ""))
        return words

    def _of(self, action: str, of: Properties, sent: CampaignContext, page: PageAddress) -> int:
        campaign = _sent(sent)
        query = urls.query(page.url, page.search) if page.url or page.search else NO_QUERY
        named = any(ids.word(name, self._reading) for name in (*campaign[:2], *query[:2]) if name)
        host = urls.host(page.referrer) if page.referrer else ""
        said = (action, of.network, of.coupon, campaign, query, host, "" if named else origin.path(page))
        code = self._said.get(said)
        if code is None:
            if not _is_short(said):
                return NOT_PLAIN
            code = self._said[said] = self._worked_out(said, page)
        return code

    def _worked_out(self, said: _Said, page: PageAddress) -> int:
        action, network, coupon, campaign, query, host, _ = said
        found = origin.resolved(campaign, query, host, origin.path(page), self._reading)
        if action == _VISIT and not found.said:
            return NO_TOUCH
        name = self._reading.networks.named(normal(network or "")) or found.network
        return self.code(Kind(action.strip(), origin.of_touch(found, name, of_text(coupon or ""))))


def _sent(campaign: CampaignContext) -> CampaignParameters:
    return CampaignParameters(
        (campaign.id or "").strip(), campaign.name or "", campaign.source or "", campaign.medium or ""
    )


def _is_short(said: _Said) -> bool:
    """Whether all that is said is short enough to be remembered."""
    return all(len(part or "") <= LONGEST for part in (*said[:3], *said[3], *said[4], *said[5:]))


def _is_plain(properties: Properties) -> bool:
    """Whether a touch has no coupons but in `coupon`."""
    return properties.coupons is NULL and properties.discount_codes is NULL and properties.products is NULL
