"""Updates: what one partition publishes is what another reads, whole or in parts, in the form that releases share."""

import numpy as np
import pytest

from streams.core.columns.dictionary import Dictionary
from streams.core.columns.message_ids import Keys
from streams.core.columns.run import KeyedRows, concatenated
from streams.core.exchange.update import PartitionUpdate, decoded, encoded
from streams.core.identity.links import LinkPartitions, Links, new_links
from streams.core.journal.cutting import RAW_LIMIT
from streams.core.journal.segment import Segment, columns, encode
from streams.core.journeys.kinds import TouchKind
from streams.core.orders.shared import OrderLocations

LIKE, CLICK = TouchKind("autumn", "instagram", "like"), TouchKind("autumn", "search", "click")


def touches(number: int) -> KeyedRows:
    at = np.arange(number)
    ids = at.astype(np.uint64)
    return KeyedRows(ids + np.uint64(1), at, (at % 2 * 3).astype(np.uint32), Keys(ids, ids, np.zeros(number, np.uint8)))


def links(number: int) -> Links:
    ids = np.arange(number, dtype=np.uint64)
    home = LinkPartitions(np.full(number, 2), np.full(number, 5))
    return new_links(ids, ids + np.uint64(9), home, 77)


def test_an_update_is_read_as_it_was_published() -> None:
    update = PartitionUpdate(touches(5), links=links(3), places=[OrderLocations("o", (0, 1), 7)])
    update.kinds, update.texts = {0: LIKE, 3: CLICK}, [(1, 1, "a long id")]
    (value,) = encoded(update)
    read = decoded(value)
    assert [column.tolist() for column in read.links] == [column.tolist() for column in update.links]
    assert (read.links.homes.anonymous.tolist(), read.links.homes.user.tolist()) == ([2] * 3, [5] * 3)
    assert (read.touches.user.tolist(), read.places, read.texts) == ([1, 2, 3, 4, 5], update.places, update.texts)


def test_kinds_are_numbered_as_the_receiver_numbers_them() -> None:
    kinds = Dictionary[TouchKind]()
    kinds.code(CLICK)
    (value,) = encoded(PartitionUpdate(touches(4), kinds={0: LIKE, 3: CLICK}))
    named = [kinds.words[code] for code in decoded(value).recoded(kinds).kind.tolist()]
    assert named == [LIKE, CLICK, LIKE, CLICK]


def test_an_update_too_large_for_a_record_is_several() -> None:
    update = PartitionUpdate(touches(20_000), kinds={0: LIKE, 3: CLICK}, links=links(20_000))
    values = list(encoded(update))
    assert len(values) > 1
    assert max(map(len, values)) <= RAW_LIMIT
    read = [decoded(value) for value in values]
    assert concatenated([each.touches for each in read]).user.tolist() == update.touches.user.tolist()
    assert Links.joined(each.links for each in read).user_id.tolist() == update.links.user_id.tolist()


def test_an_update_that_says_nothing_is_no_record() -> None:
    assert list(encoded(PartitionUpdate())) == []


def test_its_form_is_a_segments_and_anything_else_is_refused() -> None:
    (value,) = encoded(PartitionUpdate(links=links(1)))
    assert value == encode(Segment(links=columns(links(1).rows)))
    with pytest.raises(ValueError, match="no segment"):
        decoded(b"no segment")
