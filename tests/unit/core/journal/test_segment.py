"""Segments: written and read again, cut, merged, and told from those of an owner that had lost the partition."""

from collections.abc import Sequence

import numpy as np
import pytest

from streams.core.events.batch import Batch
from streams.core.events.topics import CHECKOUT, ENGAGEMENT
from streams.core.journal.cutting import cut
from streams.core.journal.segment import Segment, SegmentKey, decode, encode, merged, open_since, recoded, rows, valid
from streams.core.journeys.kinds import TouchKind, TouchKinds
from streams.core.ledger.ledger import Ledger
from streams.core.ledger.settings import LedgerSettings
from tests.support.messages import DAY, HOUR, NOON, order, refund, touch
from tests.support.strategies import CATALOGUE
from tests.support.tables import Database

KEY = b"sixteen letters!"
NOW = NOON + 2 * DAY
LONG_IDS = [f"ajs-next-{NOON + i}-45c0ff53-dfe1-4fe2-998c-74b6eee21a19" for i in range(64)]


def new_ledger() -> Ledger:
    return Ledger(LedgerSettings(CATALOGUE, KEY, retention=45 * DAY))


def applied(ledger: Ledger, topic: str, values: Sequence[bytes]) -> Segment:
    offset = ledger.offsets.get(topic, 0)
    offsets = range(offset, offset + len(values))
    return ledger.apply(Batch(topic, values, [None] * len(values), offsets), NOW).segment


def rows_of(segments: Sequence[Segment]) -> Database:
    """What ClickHouse holds after a worker was restored from those segments alone."""
    ledger, database = new_ledger(), Database()
    ledger.restore([(SegmentKey(NOW // HOUR, 1, i), part) for i, part in enumerate(segments)], NOW)
    ledger.report(NOW)
    database.write(ledger.changes(version=1))
    return database


def month(ledger: Ledger) -> list[Segment]:
    """One segment of engagement, one of orders, one that states them."""
    campaigns = ("autumn", "paper", "unlisted-1", "unlisted-2")
    touches = [touch(text, NOON + i, campaigns[i % 4], user=f"u{i % 8}") for i, text in enumerate(LONG_IDS)]
    orders = [order(f"c{i}", NOON + HOUR, f"o{i}", user=f"u{i}") for i in range(8)]
    refunds = [refund("r1", NOON + HOUR, "o1"), refund("r2", NOON + HOUR, "o2", total=40), refund("r3", NOON, "?")]
    segments = [applied(ledger, ENGAGEMENT, touches), applied(ledger, CHECKOUT, [*orders, *refunds])]
    return [*segments, ledger.report(NOW).segment]


def test_a_segment_reads_back_as_it_was_written() -> None:
    for segment in month(new_ledger()):
        assert decode(encode(segment)) == segment


def test_the_columns_are_little_endian_whatever_the_machine() -> None:
    segment = applied(new_ledger(), ENGAGEMENT, [touch("a", NOON)])
    assert int.from_bytes(segment.columns.time, "little") == NOON
    assert segment.touches.time.tolist() == [NOON]


@pytest.mark.parametrize("limit", [1, 600, 1500])
def test_parts_are_small_and_do_the_same_together(limit: int) -> None:
    segments = month(new_ledger())
    parts = [decode(encode(part)) for segment in segments for part in cut(segment, limit)]
    atoms = [len(p.columns.form) + len(p.orders) + len(p.statements) + len(p.marks) for p in parts]
    assert all(len(encode(part)) <= limit or n <= 1 for part, n in zip(parts, atoms, strict=True))
    assert rows_of(parts).tables == rows_of(segments).tables


def test_a_mark_is_in_no_later_part_than_what_it_is_for() -> None:
    ledger = new_ledger()
    month(ledger)
    segment = applied(ledger, ENGAGEMENT, [touch(f"late-{i}", NOON, "paper", user=f"u{i}") for i in range(8)])
    parts = cut(segment, 300)
    marked = [i for i, part in enumerate(parts) if part.marks]
    touched = [i for i, part in enumerate(parts) if part.columns.form]
    assert marked[-1] <= touched[0]
    assert [mark for part in parts for mark in part.marks] == segment.marks
    assert len(segment.marks) == 8 * 2  # goals that count such an order


def test_a_link_is_in_no_later_part_than_the_touch_that_says_it() -> None:
    values = [touch(text, NOON + i, user=f"u{i}", anonymous=f"b{i}") for i, text in enumerate(LONG_IDS)]
    parts = cut(applied(new_ledger(), ENGAGEMENT, values), 600)
    linked = set[int]()
    for part in parts:
        linked |= set(rows(part.links).keys.high.tolist())
        assert set(part.touches.user.tolist()) <= linked, "after a crash here the touch is known, and its link is not"


def test_parts_carry_no_kind_and_no_text_that_they_do_not_need() -> None:
    (segment, *_) = month(new_ledger())
    parts = cut(segment, len(encode(segment)) // 8)
    assert sum(len(part.texts) for part in parts) == len(LONG_IDS)
    assert sum(len(encode(part)) for part in parts) < 1.7 * len(encode(segment))


def test_only_the_last_part_says_how_far_the_source_was_read() -> None:
    (segment, *_) = month(new_ledger())
    *firsts, last = cut(segment, 600)
    assert (last.offsets, last.newest) == (segment.offsets, segment.newest)
    assert all(part.offsets == part.newest == {} for part in firsts)


def test_a_batch_that_is_read_again_after_a_crash_between_parts_loses_nothing_to_its_own_clock() -> None:
    """The second half holds the newest event: were that known already, the first events would now be too late."""
    values = [*(touch(f"old-{i}", NOON - 50 * DAY + i) for i in range(2)), touch("new-1", NOON), touch("new-2", NOON)]
    ledger = new_ledger()
    (first, _) = cut(applied(ledger, ENGAGEMENT, values), 300)
    restored = new_ledger()
    restored.restore([(SegmentKey(NOW // HOUR, 1, 0), first)], NOW)
    restored.apply(Batch(ENGAGEMENT, values, [None] * 4, range(4)), NOW)
    assert restored.size[0] == 4


def test_what_fits_is_not_cut() -> None:
    (segment, *_) = month(new_ledger())
    assert cut(segment, len(encode(segment))) == [segment]


def test_merged_segments_do_what_they_did_one_after_the_other() -> None:
    ledger = new_ledger()
    segments = [
        *month(ledger),
        applied(ledger, CHECKOUT, [refund("r4", NOON + HOUR, "o3")]),
        ledger.report(NOW).segment,
    ]
    whole = merged([decode(encode(part)) for part in segments], one_hour=True)
    assert rows_of([whole]).tables == rows_of(segments).tables
    assert whole.offsets == {ENGAGEMENT: len(LONG_IDS), CHECKOUT: 12}
    assert whole.newest == {ENGAGEMENT: NOON + 63, CHECKOUT: NOON + HOUR}


def test_merging_keeps_one_state_of_each_order_and_conversion() -> None:
    ledger = new_ledger()
    segments = [
        *month(ledger),
        applied(ledger, CHECKOUT, [refund("r4", NOON + HOUR, "o3")]),
        ledger.report(NOW).segment,
    ]
    whole = merged(segments)
    assert len({order.order_id for order in whole.orders}) == len(whole.orders)
    assert len({statement.key for statement in whole.statements}) == len(whole.statements)


def test_kinds_get_the_numbers_of_the_ledger_that_takes_them_in() -> None:
    kinds = TouchKinds()
    kinds.code(TouchKind("another", "x", "click"))
    (engaged, _, stated) = month(new_ledger())
    shifted = recoded(engaged, kinds)
    assert shifted.kinds.keys() == {code + 1 for code in engaged.kinds}
    words = [kinds.words[kind] for kind in shifted.touches.kind.tolist()]
    assert words == [engaged.kinds[kind] for kind in engaged.touches.kind.tolist()]
    statement, same = stated.statements[0], recoded(stated, kinds).statements[0]
    assert [kinds.words[kind] for kind in same.kinds] == [stated.kinds[kind] for kind in statement.kinds]


def test_the_latest_event_time_is_that_of_touches_orders_and_statements() -> None:
    engaged, bought, stated = month(new_ledger())
    assert engaged.latest == NOON + 63
    assert bought.latest == stated.latest == NOON + HOUR


def test_a_segment_without_effect_is_as_late_as_its_clock() -> None:
    assert Segment(newest={ENGAGEMENT: NOON, CHECKOUT: NOON - 1}).latest == NOON
    assert Segment().latest == 0


def key(epoch: int, sequence: int) -> SegmentKey:
    return SegmentKey(0, epoch, sequence)


def test_segments_of_an_epoch_beyond_what_the_next_one_went_on_from_are_void() -> None:
    segments = {
        key(7, 12): Segment(after={7: 11}),
        key(5, 11): Segment(after={5: -1}),
        key(5, 12): Segment(after={5: -1}),  # of a worker that had lost the partition
        key(5, 10): Segment(after={5: -1}),
        key(7, 13): Segment(after={7: 11}),
    }
    assert valid(segments) == [key(5, 10), key(5, 11), key(7, 12), key(7, 13)]


def test_an_epoch_in_between_is_void_too_when_it_went_on_from_what_the_newest_did() -> None:
    segments = {key(5, 10): Segment(), key(6, 11): Segment(after={6: 10}), key(7, 11): Segment(after={7: 10})}
    assert valid(segments) == [key(5, 10), key(7, 11)]


def test_merging_across_owners_keeps_what_each_went_on_from() -> None:
    whole = merged([Segment(after={5: -1}), Segment(after={7: 11}), Segment(after={7: 11})])
    assert whole.after == {5: -1, 7: 11}
    segments = {key(5, 1): Segment(after={5: -1}), key(5, 12): Segment(after={5: -1}), key(7, 13): whole}
    assert valid(segments) == [key(5, 1), key(7, 13)]


def test_touches_of_a_segment_are_columns_of_equal_length() -> None:
    (segment, *_) = month(new_ledger())
    lengths = {len(column) for column in (*segment.touches[:3], *segment.touches.keys)}
    assert lengths == {len(LONG_IDS)}
    assert segment.touches.kind.dtype == np.uint32


def test_an_hour_is_open_while_it_is_now_or_has_a_segment_that_may_not_be_written() -> None:
    keys = [SegmentKey(hour, 1, hour * 10 + i) for hour in (7, 8, 9) for i in range(2)]
    assert open_since(keys, flushed=91, hour=9) == 9
    assert open_since(keys, flushed=91, hour=12) == 12
    assert open_since(keys, flushed=80, hour=12) == 8
    assert open_since(keys, flushed=-1, hour=12) == 7
    assert open_since([], flushed=-1, hour=12) == 12


def test_hours_that_are_not_open_may_be_merged_and_the_others_come_back_as_they_were() -> None:
    """Hour 1 is written but for its last segment: merged with hour 0, it would bring that hour's events along."""
    ledger, database, found = new_ledger(), Database(), dict[SegmentKey, Segment]()
    for sequence, hour in enumerate((0, 0, 1, 1)):
        values = [touch(f"t{sequence}", NOON, user="u")]
        now = NOW + hour * HOUR
        segment = ledger.apply(Batch(ENGAGEMENT, values, [None], [sequence]), now).segment
        if sequence < 3:
            database.write(ledger.changes(version=sequence))
        segment.flushed = sequence - 1
        found[SegmentKey(now // HOUR, 1, sequence)] = segment
    opened = open_since(found, flushed=2, hour=NOW // HOUR + 2)
    assert [key.sequence for key in found if key.hour < opened] == [0, 1]
    closed = [found.pop(key) for key in list(found) if key.hour < opened]
    found = {SegmentKey(NOW // HOUR, 1, 1): merged(closed), **found}
    restored = new_ledger()
    restored.restore(list(found.items()), NOW + 2 * HOUR)
    database.write(restored.changes(version=9))
    assert sum(database.engagement_counts().values()) == 4


def test_what_was_merged_is_void_and_what_a_late_merge_takes_in_beside_it_is_not() -> None:
    found = {SegmentKey(1, 1, n): Segment(after={1: -1}) for n in range(40, 51)}
    found[SegmentKey(1, 1, 50)].since = 44
    assert [key.sequence for key in valid(found)] == [40, 41, 42, 43, 50]
    found[SegmentKey(1, 1, 46)].since = 30  # of an owner that was frozen, and removed those up to 45 when it woke
    assert [key.sequence for key in valid(found)] == [46, 50]
