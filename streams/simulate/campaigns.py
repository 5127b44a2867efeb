"""The simulated town: its campaigns, how people meet them, and the catalogue that describes them."""

from dataclasses import dataclass
from datetime import date, timedelta

SHOP = "Order Completed"
DESK = "Enquiry Answered"

_SOCIAL = {
    "impression": 44.0,
    "view": 12.0,
    "video_view": 14.0,
    "like": 12.0,
    "comment": 2.0,
    "share": 1.5,
    "save": 1.0,
    "follow": 1.5,
    "reply": 0.5,
    "click": 8.0,
    "visit": 2.0,
    "unlike": 0.8,
    "unfollow": 0.4,
    "unsave": 0.2,
    "unshare": 0.1,
}
_ADVERTISING = {"impression": 80.0, "click": 20.0}
_EMAIL = {"view": 75.0, "click": 25.0}
_PAPER = {"scan": 70.0, "visit": 30.0}
_STREET = {"view": 50.0, "visit": 35.0, "scan": 15.0}

_SHOWN_BY_SITES = ("social", "search", "email")  # means that somebody can be held out from
# How much likelier than a view an action leads to a purchase; an action not listed causes none.
PERSUASION = {"click": 60.0, "scan": 60.0, "visit": 60.0, "follow": 20.0, "comment": 10.0, "like": 4.0, "view": 1.0}


@dataclass(frozen=True)
class SimulatedCampaign:
    """A campaign as it really works: its share of all touches, its pull (conversions per touch), what it causes."""

    id: str
    name: str
    means: str
    networks: tuple[str, ...]
    actions: dict[str, float]
    share: float
    pull: float
    aliases: tuple[str, ...] = ()
    coupons: tuple[str, ...] = ()
    causes: str = SHOP


EFFORTS = (
    SimulatedCampaign(
        "autumn", "Autumn on Facebook", "social", ("facebook", "instagram"), _SOCIAL, 36, 1.0, ("autumn-2026", "høst")
    ),
    SimulatedCampaign(
        "makers", "Meet the makers", "social", ("tiktok", "instagram"), _SOCIAL, 28, 0.4, ("makers-tiktok",)
    ),
    SimulatedCampaign(
        "friday-paper", "Coupon in the Friday paper", "newspaper", ("newspaper",), _PAPER, 2, 1.5, (), ("FREDAG20",)
    ),
    SimulatedCampaign("shop-window", "The shop window", "shop", ("shop",), _STREET, 5, 0.8, (), ("VINDU10",)),
    SimulatedCampaign("search", "Search advertising", "search", ("search",), _ADVERTISING, 10, 0.7, ("adwords",)),
    SimulatedCampaign(
        "newsletter", "October newsletter", "email", ("email",), _EMAIL, 5, 0.8, ("news-10",), ("BREV15",)
    ),
    SimulatedCampaign(
        "ask-online", "Ask the town on the web", "letter", ("letter", "facebook"), _PAPER, 4, 1.2, causes=DESK
    ),
)
SOUGHT = ("search", "click")  # the effort and the action of those who were looking for the shop
EVERYDAY = SimulatedCampaign("", "", "social", ("facebook", "instagram", "linkedin", "x"), _SOCIAL, 10, 0.0)


def catalogue_text(start: date = date(2026, 10, 1), days: int = 31, holdout: float = 0.0) -> str:
    """The catalogue (TOML) of a campaign period: three goals with targets, every campaign of the town, and where a
    share of users is held out, a holdout for each that sites show."""
    end = start + timedelta(days=days - 1)
    goals = f"""base_currency = "NOK"

[[goal]]
id = "new-customers"
name = "100 new customers in the shop"
event = "{SHOP}"
where = {{ new_customer = true }}
unit = "customers"
target = 100
by = {end}
value = "revenue"
counts_for_return = false

[[goal]]
id = "orders"
name = "1 500 orders"
event = "{SHOP}"
unit = "orders"
target = 1500
by = {end}
value = "revenue"
windows = {{ click = "14d", engage = "3d", view = "1d" }}
counts_for_return = true

[[goal]]
id = "enquiries"
name = "Enquiries moved from phone to web"
event = "{DESK}"
unit = "enquiries"
target = 400
by = {end}
value = 2.68
"""
    campaigns = "".join(_campaign_text(effort, start, end) for effort in EFFORTS)
    tested = [effort for effort in EFFORTS if holdout and effort.means in _SHOWN_BY_SITES]
    return goals + campaigns + "".join(_holdout_text(effort, holdout) for effort in tested)


def _campaign_text(effort: SimulatedCampaign, start: date, end: date) -> str:
    lists = {"aliases": (*effort.aliases, effort.name), "coupons": effort.coupons}
    written = "".join(f"{key} = [{_quoted(names)}]\n" for key, names in lists.items() if names)
    return (
        f'\n[[campaign]]\nid = "{effort.id}"\nname = "{effort.name}"\nmeans = "{effort.means}"\n'
        f"{written}start = {start}\nend = {end}\n"
    )


def _holdout_text(effort: SimulatedCampaign, share: float) -> str:
    return f'\n[[holdout]]\ncampaign = "{effort.id}"\nshare = {share}\nsalt = "{effort.id}"\n'


def _quoted(names: tuple[str, ...]) -> str:
    return ", ".join(f'"{name}"' for name in names)
