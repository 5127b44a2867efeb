"""Dictionaries: words get numbers in the order of their first use, and kinds know what follows from their words."""

from streams.core.columns.dictionary import Dictionary
from streams.core.journeys.kinds import CLASS_OF, CLICK, ENGAGE, TOKEN, VIEW, TouchKind, TouchKinds


def test_words_are_numbered_as_they_come() -> None:
    codes: Dictionary[str] = Dictionary()
    assert codes.codes(["b", "a", "b", "c"]).tolist() == [0, 1, 0, 2]
    assert codes.code("c") == 2
    assert codes.words == ["b", "a", "c"]
    assert codes.codes([]).tolist() == []


def test_the_classes_of_actions_are_those_of_the_contract() -> None:
    classes = {
        CLICK: "click visit scan",
        ENGAGE: "like comment share save follow reply video_view",
        VIEW: "view impression",
    }
    for number, actions in classes.items():
        assert all(CLASS_OF[action] == number for action in actions.split())
    assert CLASS_OF[TOKEN] == CLICK
    assert not CLASS_OF.keys() & {"unlike", "unfollow", "unsave", "unshare"}


def test_kinds_without_a_campaign_and_undone_actions_are_no_touch() -> None:
    kinds = TouchKinds()
    kinds.codes([TouchKind("autumn", "x", "click"), TouchKind("", "x", "click"), TouchKind("autumn", "x", "unlike")])
    assert kinds.class_of.tolist() == [CLICK, 0, 0]


def test_facts_about_kinds_grow_with_them() -> None:
    kinds = TouchKinds()
    kinds.code(TouchKind("autumn", "x", "click"))
    assert kinds.class_of.tolist() == [CLICK]
    kinds.codes(
        [TouchKind("autumn", "x", "view"), TouchKind("autumn", "search", "like"), TouchKind("paper", "x", "scan")]
    )
    assert kinds.class_of.tolist() == [CLICK, VIEW, ENGAGE, CLICK]
    assert [kinds.means.words[code] for code in kinds.means_of.tolist()] == [
        ("autumn", "x"),
        ("autumn", "x"),
        ("autumn", "search"),
        ("paper", "x"),
    ]
    assert [kinds.campaigns.words[code] for code in kinds.campaign_of.tolist()] == [
        "autumn",
        "autumn",
        "autumn",
        "paper",
    ]
