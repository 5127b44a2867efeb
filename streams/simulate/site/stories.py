"""Visitors of a shop and what truly happened to them: what they send, and what of it counts for what."""

from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import date
from random import Random
from typing import Any, Literal, NamedTuple

from streams.core.parsing.units import DAY

HOUR, MINUTE = DAY // 24, DAY // 1440
_EPOCH = date(1970, 1, 1).toordinal()
CLASSES = {"visit": "click", "click": "click", "share": "engage", "like": "engage", "comment": "engage", "view": "view"}
Outcome = Literal["accepted", "ignored", "no_consent", "repeated", "dead_letter"]


class Met(NamedTuple):
    """A touch as it truly was; times in ms."""

    time: int
    campaign: str
    network: str
    action: str


@dataclass
class Sent:
    """A message at its time (ms), and what becomes of it. `name` is what it is ignored as, or a dead letter's reason;
    `faults` are the fields of it that cannot be read, `unsettled` why it takes nothing back, though it may yet."""

    time: int
    key: str
    message: dict[str, Any]
    outcome: Outcome = "accepted"
    name: str = ""
    raw: bytes | None = None  # instead of the message
    faults: list[str] = field(default_factory=list)
    unsettled: str = ""

    def left_out(self, place: str) -> None:
        """Note a field that cannot be read."""
        self.faults.append(place)


@dataclass
class Visitor:
    """Somebody: `user` is '' who never logs in, `anonymous` '' who has no browser; both are '' of nobody.

    `consent` is what every message says of itself; `words` are (time, denied) of what was said once. `own` and
    `doubtful` are touches, in any order, that are theirs and that may be another's with the same browser.
    """

    user: str
    anonymous: str
    login: int
    consent: bool | None = None
    words: list[tuple[int, bool]] = field(default_factory=list)
    own: list[Met] = field(default_factory=list)
    doubtful: list[Met] | None = None
    sent: list[Sent] = field(default_factory=list)
    style: str = "web"

    def token(self, time: int) -> str:
        """The user token of what they send at that time."""
        return self.user if self.user and time >= self.login else self.anonymous

    def denied(self, time: int) -> bool:
        """Whether advertising is denied then."""
        if self.consent is not None:
            return not self.consent
        said = sorted(self.words)
        at = bisect_right(said, (time, True))
        return bool(at) and said[at - 1][1]

    def meet(self, met: Met) -> None:
        """Remember a touch that can be in a journey."""
        if self.denied(met.time) or not self.token(met.time):
            return
        shared = self.doubtful is not None and self.token(met.time) == self.anonymous
        (self.doubtful if shared and self.doubtful is not None else self.own).append(met)

    def send(self, rng: Random, type_: str, time: int, fields: dict[str, Any], **became: Any) -> Sent:
        """Add a call to what they send."""
        message = {"type": type_, "messageId": _message_id(rng, self.style), "timestamp": written(time)}
        ids: dict[str, Any] = {}
        if self.anonymous:
            ids["anonymousId"] = self.anonymous
        if self.user and time >= self.login:
            ids["userId"] = self.user
        elif self.style == "web":
            ids["userId"] = None
        context = {"library": {"name": "analytics.js", "version": "next-1.70.0"}, **self._said(rng)}
        fields = dict(fields)
        context |= fields.pop("context", {})
        sent = Sent(time, self.token(time), message | ids | {"context": context, "integrations": {}} | fields, **became)
        self.sent.append(sent)
        return sent

    def _said(self, rng: Random) -> dict[str, Any]:
        if self.consent is None:
            return {}
        if self.style == "app":
            key = "allowedConsentIds" if self.consent else "deniedConsentIds"
            return {
                "consentManagement": {"provider": "oneTrust", key: ["C0001", "C0004"] if self.consent else ["C0004"]}
            }
        category = rng.choice(("advertising", "Advertising", "Markedsføring"))
        return {"consent": {"categoryPreferences": {"functional": True, category: self.consent}}}


def written(time: int) -> str:
    """A time in ms as SDKs write it."""
    seconds, ms = divmod(time, 1000)
    days, seconds = divmod(seconds, 86_400)
    day = date.fromordinal(_EPOCH + days)
    hours, seconds = divmod(seconds, 3600)
    return f"{day}T{hours:02}:{seconds // 60:02}:{seconds % 60:02}.{ms:03}Z"


def _message_id(rng: Random, style: str) -> str:
    return ("ajs-next-" if style == "web" else "") + f"{rng.getrandbits(128):032x}"
