"""The people of the town: who they are to a site, and when; and to whom a campaign is not shown."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streams.core.catalogue.parse import parse
from streams.core.identity.tokens import Tokens
from streams.core.lift.holdout import held
from streams.simulate.campaigns import EFFORTS, catalogue_text
from streams.simulate.scenario import Scenario

NEVER = 1 << 62  # ms

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Population:
    """Everybody, one element each: whether they `denied` consent, since when (ms) they are known by a user id, or
    NEVER, and the number of their `browser`, which is the anonymous id."""

    denied: Flags
    login: Ints
    browser: Ints

    def tokens(self, person: Ints, time: Ints) -> Ints:
        """The place in `names` of what their events have as user token at that time (ms)."""
        return np.where(time >= self.login[person], person, len(self.login) + person)

    def names(self) -> list[str]:
        """The user id of everybody, then the anonymous id of everybody."""
        numbers = self.browser.tolist()
        browsers = [f"{n * 2654435761 % 2**32:08x}-7a3c-4b1e-9d2f-{n:012x}" for n in numbers]
        return [*(f"user-{n:07d}" for n in range(len(numbers))), *browsers]


def townspeople(scenario: Scenario, denied: Flags, anonymous: Flags, buyer: Ints, bought: Ints) -> Population:
    """The people of a scenario, some of whom log in when they first buy: who `buyer` is at the times `bought`, ms."""
    rng = np.random.default_rng([scenario.seed, 1])
    everybody = np.arange(scenario.people)
    late = rng.random(scenario.people) < scenario.late_logins
    second = (everybody % 2 == 1) & (rng.random(scenario.people) < scenario.shared)
    first_order = np.full(scenario.people, NEVER)
    np.minimum.at(first_order, buyer, bought)
    login = np.where(anonymous, NEVER, np.where(late, first_order, 0))
    return Population(denied, login, everybody - second)


def held_out(scenario: Scenario, people: Population) -> Flags:
    """By effort and place in `Population.names`, whether a site does not show it; the last row is of no effort."""
    hashes = Tokens(scenario.token_key).hashes(people.names())
    none = np.zeros(len(hashes), np.bool_)
    catalogue = parse(catalogue_text(scenario.start, scenario.days, scenario.holdout))
    groups = {holdout.campaign.id: held(holdout, hashes) for holdout in catalogue.holdouts}
    return np.array([*(groups.get(effort.id, none) for effort in EFFORTS), none])
