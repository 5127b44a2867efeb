import pytest

from streams.core.events.continuity import Available, GroupPartition, broken, out_of_range

PLACE = GroupPartition("maalstrom", "checkout", 3)


@pytest.mark.parametrize(
    ("restored", "available"),
    [
        (None, Available(0, 0, None)),
        (None, Available(500, 900, None)),  # a first start on an old topic
        (None, Available(0, 900, 0)),
        (500, Available(500, 500, 500)),  # all was read, and is deleted
        (500, Available(0, 900, 500)),
        (500, Available(0, 900, 400)),  # a crash before the commit
        (500, Available(0, 900, None)),  # the group's offsets are kept for a week
        (500, Available(600, 900, 600)),  # moved by a person
    ],
)
def test_where_to_go_on_is_there(restored: int | None, available: Available) -> None:
    assert broken(PLACE, restored, available) is None


@pytest.mark.parametrize(
    ("restored", "available", "says"),
    [
        (500, Available(600, 900, 500), "offsets 500 to 599 of checkout/3 are gone unread"),
        (500, Available(600, 900, None), "--group maalstrom --topic checkout:3` with all workers stopped"),
        (500, Available(0, 499, 500), "checkout/3 was read up to offset 500, and ends at 499 now"),
        (500, Available(0, 0, None), "checkout/3 was read up to offset 500, and ends at 0 now"),
        (500, Available(0, 900, 600), "up to offset 600, but the journal only up to 500"),
        (None, Available(0, 900, 600), "up to offset 600, but the journal only up to 0"),
        (None, Available(600, 900, 600), "up to offset 600, but the journal only up to 0"),
    ],
)
def test_what_is_not_there_is_named_with_a_way_out(restored: int | None, available: Available, says: str) -> None:
    said = broken(PLACE, restored, available)
    assert said is not None
    assert says in said
    assert "set a new MAALSTROM_APP_ID and an empty database in MAALSTROM_CLICKHOUSE" in said


def test_a_fetch_says_the_same() -> None:
    available = Available(600, 900, 500)
    assert out_of_range(PLACE, 500, available) == broken(PLACE, 500, available)
