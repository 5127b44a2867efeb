"""Which dashboards a reader gets, by the language of the browser or of the address. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from streams.texts.language import LANGUAGES

NAMES = {"en": "English", "nb": "Norsk"}
_SAME = {"no": "nb", "nn": "nb"}  # who reads these reads bokmål sooner than English


def asked(chosen: str, accepted: str) -> str:
    """The language `chosen` in the address, else the first that the browser accepts and there is; else English."""
    wanted = [chosen, *(each.partition(";")[0].strip() for each in accepted.split(","))]
    codes = [each.partition("-")[0].casefold() for each in wanted]
    return next((code for code in (_SAME.get(each, each) for each in codes) if code in LANGUAGES), "en")


def listed(titles: Mapping[str, str], language: str) -> list[dict[str, Any]]:
    """The dashboards of the language by uid and title; where one is not translated, the English one. `others` are the
    uids of the same dashboard in other languages, by the names of these."""
    found = []
    for uid in titles:
        if not _language(uid):
            versions = {"en": uid} | {code: f"{uid}-{code}" for code in LANGUAGES if f"{uid}-{code}" in titles}
            shown = language if language in versions else "en"
            others = {NAMES[code]: each for code, each in versions.items() if code != shown}
            found.append(
                {"uid": versions[shown], "title": titles[versions[shown]], "language": shown, "others": others}
            )
    return found


def in_english(uid: str) -> str:
    """The uid of the same dashboard in English."""
    code = _language(uid)
    return uid.removesuffix(f"-{code}") if code else uid


def _language(uid: str) -> str:
    """The language that a uid ends in; '' for an English one."""
    return next((code for code in LANGUAGES if uid.endswith(f"-{code}")), "")
