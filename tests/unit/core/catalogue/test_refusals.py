"""Catalogues that are refused: with what is wrong, and the line on which it stands."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.catalogue.parse import CatalogueError, parse
from tests.unit.core.catalogue.test_parse import AUTUMN, HEAD, HELD, LINK

REFUSED = {
    "no-goal": ('base_currency = "NOK"', 1, "there is no goal; add a [[goal]] with an id and an event"),
    "empty": ("", 1, "there is no goal"),
    "syntax": ('base_currency = "NOK"\n\n[[goal]\n', 3, "not TOML: "),
    "syntax-at-the-end": (HEAD + 'name = """never closed\n', 5, "not TOML: "),
    "impossible-date": (HEAD + "by = 2026-02-30\n", 5, "not TOML: "),
    "giant-number": (HEAD + f"\ntarget = {'9' * 5000}\nunit = 'x'\n", 6, "a number too large"),
    "giant-hexadecimal": (HEAD + f"target = 0x{'f' * 5000}", 5, "target is a giant number, not an amount"),
    "giant-exponent": (HEAD + "target = 1e99999999999999999999\n\n", 5, "a number too large"),
    "deep": (HEAD + f"where = {{ a = {'[' * 50_000}{']' * 50_000} }}\n", 5, "a number too large, or values nested"),
    "currency-missing": ('[[goal]]\nid = "g"\nevent = "E"\n', 1, 'base_currency is missing; add base_currency = "…"'),
    "currency-bad": (HEAD.replace("NOK", "kroner"), 1, 'base_currency "KRONER" is not a currency'),
    "root-key": ('currency = "NOK"\n' + HEAD, 1, 'unknown key "currency"; the keys here are base_currency, timezone'),
    "goal-table": ('base_currency = "NOK"\n[goal]\nid = "g"\n', 2, "goal is not a list of tables; begin each goal"),
    "goal-key": (HEAD + 'window = "7d"\n', 5, 'unknown key "window"; the keys here are id, name, event'),
    "goal-id-missing": ('base_currency = "NOK"\n\n[[goal]]\nevent = "E"\n', 3, "id is missing"),
    "goal-id-empty": ('base_currency = "NOK"\n[[goal]]\nevent = "E"\nid = " "\n', 4, 'id is " ", not a text'),
    "goal-event-missing": (HEAD + '[[goal]]\nid = "h"\n', 5, "event is missing"),
    "goal-event-number": ('base_currency = "NOK"\n[[goal]]\nid = "g"\nevent = 5\n', 4, "event is 5, not a text"),
    "goal-twice": (HEAD + '[[goal]]\nevent = "E"\nid = "G"\n', 7, '"g" in id already belongs to goal "g"'),
    "where-list": (HEAD + "where = { a = [1] }\n", 5, "where.a is [1]; compare with a text, a number"),
    "where-nan": (HEAD + "where = { a = nan }\n", 5, "where.a is nan"),
    "where-date": (HEAD + "\n[goal.where]\nb = 1\na = 2026-01-01\n", 8, "where.a is 2026-01-01"),
    "where-text": (HEAD + 'where = "new"\n', 5, "where is not a table; write where = { … }"),
    "window-unit": (HEAD + 'windows = { view = "1d", click = "7 days" }\n', 5, 'windows.click: "7 days" is not a'),
    "window-number": (HEAD + "windows = { click = 7 }\n", 5, "click is 7, not a text"),
    "window-key": (HEAD + '[goal.windows]\nclicks = "7d"\n', 6, 'unknown key "clicks"; the keys here are click'),
    "target-zero": (HEAD + "target = 0\n", 5, "target is 0; write the number to reach"),
    "target-negative": (HEAD + "target = -1\n", 5, "target is -1, not an amount"),
    "target-bool": (HEAD + "target = true\n", 5, "target is true, not an amount"),
    "target-text": (HEAD + 'target = "100"\n', 5, 'target is "100", not an amount'),
    "by-text": (HEAD + 'by = "2026-12-31"\n', 5, "not a date; write by = 2026-12-31, without quotes or time"),
    "by-time": (HEAD + "by = 2026-12-31T00:00:00Z\n", 5, "not a date"),
    "value-negative": (HEAD + "value = -0.01\n", 5, "value is -0.01, not an amount of 0 or more"),
    "value-nan": (HEAD + "value = nan\n", 5, "not an amount"),
    "value-infinite": (HEAD + "value = inf\n", 5, "not an amount"),
    "value-bool": (HEAD + "value = false\n", 5, "value is false, not an amount"),
    "value-text": (HEAD + 'value = "28.30"\n', 5, 'write value = "revenue", or an amount without quotes'),
    "value-huge": (HEAD + "value = 1000000000000\n", 5, "at most 999999999999"),
    "campaign-key": (HEAD + '[[campaign]]\nid = "a"\nalias = "b"\n', 7, 'unknown key "alias"'),
    "campaign-id": (HEAD + '[[campaign]]\nname = "a"\n', 5, "id is missing"),
    "campaign-twice": (HEAD + '[[campaign]]\nid = "a"\n[[campaign]]\nid = "A"\n', 8, 'belongs to campaign "a"'),
    "alias-taken": (
        HEAD + '[[campaign]]\nid = "a"\naliases = ["X"]\n[[campaign]]\nid = "b"\naliases = [\n  "y",\n  "x",\n]\n',
        10,
        '"x" in aliases already belongs to campaign "a"; give each its own',
    ),
    "alias-is-an-id": (
        HEAD + '[[campaign]]\nid = "a"\naliases = ["b"]\n[[campaign]]\nid = "B"\n',
        9,
        '"b" in id already belongs to campaign "a"',
    ),
    "coupon-taken": (
        HEAD + '[[campaign]]\nid = "a"\ncoupons = ["C"]\n[[campaign]]\nid = "b"\ncoupons = ["c", "C"]\n',
        10,
        '"c" in coupons already belongs to campaign "a"',
    ),
    "aliases-text": (HEAD + '[[campaign]]\nid = "a"\naliases = "b"\n', 7, "aliases is not a list of texts"),
    "coupons-empty": (HEAD + '[[campaign]]\nid = "a"\ncoupons = [""]\n', 7, "coupons is not a list of texts"),
    "holdout-key": (AUTUMN + HELD + 'seed = "t"\n', 14, 'unknown key "seed"; the keys here are campaign, share, salt'),
    "holdout-campaign": (AUTUMN + HELD.replace("HØST", "spring"), 11, 'there is no campaign "spring"; list it as a'),
    "holdout-campaign-missing": (AUTUMN + '[[holdout]]\nshare = 0.1\nsalt = "s"\n', 10, "campaign is missing"),
    "holdout-twice": (
        AUTUMN + HELD + HELD.replace("HØST", "autumn"),
        15,
        '"Autumn" in campaign already belongs to holdout "HØST"',
    ),
    "holdout-share-missing": (AUTUMN + '[[holdout]]\ncampaign = "paper"\nsalt = "s"\n', 10, "share is missing; write"),
    "holdout-share-none": (AUTUMN + HELD.replace("0.10", "0"), 12, "share is 0, not between 0 and 1"),
    "holdout-share-all": (AUTUMN + HELD.replace("0.10", "1"), 12, "share is 1, not between 0 and 1"),
    "holdout-share-percent": (AUTUMN + HELD.replace("0.10", "10"), 12, "share is 10, not between 0 and 1"),
    "holdout-share-text": (AUTUMN + HELD.replace("0.10", '"10 %"'), 12, 'share is "10 %", not an amount'),
    "holdout-salt-missing": (AUTUMN + '[[holdout]]\ncampaign = "paper"\nshare = 0.1\n', 10, "salt is missing"),
    "holdout-salt-empty": (AUTUMN + HELD.replace('"s"', '""'), 13, 'salt is "", not a text'),
    "internal-text": (
        HEAD + '[[campaign]]\nid = "a"\ninternal = "yes"\n',
        7,
        'internal is "yes", neither true nor false',
    ),
    "match-empty": (HEAD + '[[campaign]]\nid = "a"\nmatch = {}\n', 7, "match is empty; say what fits"),
    "match-key": (
        HEAD + '[[campaign]]\nid = "a"\nmatch = { url = "x" }\n',
        7,
        'unknown key "url"; the keys here are network',
    ),
    "match-host": (HEAD + '[[campaign]]\nid = "a"\nmatch = { host = "a.*.com" }\n', 7, "write * at one end only"),
    "zone": ('timezone = "Oslo time"\n' + HEAD, 1, 'timezone is "Oslo time"; write a name of the tz database'),
    "link-key": (AUTUMN + LINK + 'url = "x"\n', 15, 'unknown key "url"; the keys here are code, to'),
    "link-code": (AUTUMN + LINK.replace("poster", "po/ster", 1), 11, 'code is "po/ster"; write letters'),
    "link-to": (AUTUMN + LINK.replace("https:", "javascript:"), 12, "write a whole address, such as https://"),
    "link-user": (AUTUMN + LINK.replace("shop.example", "shop.example@evil.example"), 12, "write a whole address"),
    "link-host": (AUTUMN + LINK.replace("shop.example", "[shop]"), 12, "write a whole address"),
    "link-host-dots": (AUTUMN + LINK.replace("shop.example", "shop..example"), 12, "write a whole address"),
    "link-relative": (AUTUMN + LINK.replace("https://shop.example", ""), 12, "write a whole address"),
    "link-lines": (AUTUMN + LINK.replace("?b=c", "\\r\\nSet-Cookie: a"), 12, "write a whole address"),
    "link-backslash": (
        AUTUMN + LINK.replace("shop.example", "shop.example\\\\evil.example"),
        12,
        "write a whole address",
    ),
    "link-code-empty": (AUTUMN + LINK.replace('"poster"', '""', 1), 11, 'code is "", not a text'),
    "link-code-dots": (AUTUMN + LINK.replace('"poster"', '".."', 1), 11, 'code is ".."; write letters'),
    "link-campaign": (AUTUMN + LINK.replace('"paper"', '"spring"'), 13, 'there is no campaign "spring"'),
    "link-action": (AUTUMN + LINK + 'action = "click"\n', 15, 'write action = "scan" or action = "visit"'),
    "link-twice": (AUTUMN + LINK + LINK, 16, '"poster" in code already belongs to link "poster"'),
    "end-before-start": (
        HEAD + '[[campaign]]\nid = "a"\nend = 2026-01-01\nstart = 2026-01-02\n',
        7,
        "end 2026-01-01 is before start 2026-01-02",
    ),
}


@pytest.mark.parametrize(("text", "line", "what"), REFUSED.values(), ids=REFUSED)
def test_a_bad_catalogue_is_refused_with_its_line(text: str, line: int, what: str) -> None:
    with pytest.raises(CatalogueError) as refusal:
        parse(text, "my.toml")
    message = str(refusal.value)
    assert message.startswith(f"my.toml:{line}: {what}") or (
        message.startswith(f"my.toml:{line}: ") and what in message
    )
    assert "; " in message
    assert "\n" not in message


@pytest.mark.parametrize("event", ["Order Refunded", "order_cancelled", "Order Updated", "Social Interaction"])
def test_a_goal_cannot_count_what_is_not_a_conversion(event: str) -> None:
    with pytest.raises(CatalogueError, match=f'catalogue.toml:4: a goal cannot count "{event}"; name a checkout event'):
        parse(HEAD.replace('"E"', f'"{event}"'))


def test_a_line_is_found_behind_text_that_looks_like_a_table() -> None:
    decoy = HEAD + "name = \"\"\"\n[[campaign]]\nid = 1\n\"\"\"\n# id = 2\n[[campaign]]\nmeans = '''\nx'''\nid = 3\n"
    with pytest.raises(CatalogueError, match=r"catalogue\.toml:13: id is 3, not a text"):
        parse(decoy)


def test_windows_line_ends_do_not_shift_lines() -> None:
    with pytest.raises(CatalogueError, match=r"catalogue\.toml:5: by is"):
        parse((HEAD + 'by = "x"\n').replace("\n", "\r\n"))


@given(st.text(alphabet='[]={}"\n.#goalidevntcmp0123e-_ ', max_size=80))
def test_any_text_after_a_good_start_is_a_catalogue_or_refused_on_one_of_its_lines(text: str) -> None:
    refusal = None
    try:
        parse(HEAD + text)
    except CatalogueError as error:
        refusal = error
    assert refusal is None or 1 <= int(str(refusal).split(":")[1]) <= (HEAD + text).count("\n") + 1
