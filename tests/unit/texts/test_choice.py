"""Which dashboards a reader gets, by the language of the browser or of the address."""

import pytest

from streams.page.access.viewers import LEADER, Viewer
from streams.texts.choice import asked, in_english, listed

TITLES = {"m-goals": "Goals", "m-pipeline": "Pipeline", "m-goals-nb": "Mål"}


@pytest.mark.parametrize(
    ("chosen", "accepted", "language"),
    [
        ("", "nb-NO,nb;q=0.9,en;q=0.8", "nb"),
        ("", "nn,en;q=0.5", "nb"),
        ("", "no", "nb"),
        ("", "de-DE,de;q=0.9,nb;q=0.5", "nb"),
        ("", "en-GB,nb;q=0.5", "en"),
        ("", "", "en"),
        ("", "*;q=,,-", "en"),
        ("nb", "en", "nb"),
        ("en", "nb", "en"),
        ("fr", "nb", "nb"),
    ],
)
def test_the_language_of_address_and_browser(chosen: str, accepted: str, language: str) -> None:
    assert asked(chosen, accepted) == language


def test_what_is_not_translated_is_there_in_english_and_each_names_its_others() -> None:
    assert listed(TITLES, "nb") == [
        {"uid": "m-goals-nb", "title": "Mål", "language": "nb", "others": {"English": "m-goals"}},
        {"uid": "m-pipeline", "title": "Pipeline", "language": "en", "others": {}},
    ]
    assert [each["uid"] for each in listed(TITLES, "en")] == ["m-goals", "m-pipeline"]


def test_a_leader_sees_in_every_language_what_is_for_leaders() -> None:
    assert [in_english(uid) for uid in ("maalstrom-goals-nb", "maalstrom-goals")] == ["maalstrom-goals"] * 2
    leader = Viewer("kari", LEADER)
    assert [leader.sees(f"maalstrom-{uid}") for uid in ("goals", "goals-nb", "campaigns-nb", "pipeline")] == [
        True, True, False, False,
    ]  # fmt: skip
