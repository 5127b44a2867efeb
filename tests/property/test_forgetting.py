"""Words that nothing names any more are forgotten, and their codes given again: no figure changes."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.columns import dictionary
from tests.property.test_ledger import HOUR, Worker, add, slow
from tests.support.driver import Driver
from tests.support.judged import check, expected
from tests.support.messages import message, order, touch
from tests.support.site.site_streams import Stream, site_streams


@slow
@given(site_streams(), st.randoms(use_true_random=False))
def test_codes_that_are_given_again_change_no_figure(stream: Stream, random: Any) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dictionary, "_FEW", -(10**9))  # forget whenever that is possible
        worker = Worker()
        for topic, value in stream:
            worker.feed(topic, worker.ledger.offsets.get(topic, 0), [value])
            step = random.randrange(8)
            if step == 0:
                worker.start()
            elif step == 1:
                worker.now += HOUR
            elif step < 6:
                worker.flush(most=random.choice((1, None)), written=step > 2)
        while worker.ledger.pending:
            worker.flush()
        worker.now += HOUR
        worker.flush()
        check(worker.database, expected(stream))
        assert add(worker.first_reported(), worker.database.goal_restatements()) == worker.database.goal_attribution()


@pytest.mark.parametrize("few", [0, 50])
def test_names_of_eight_months_are_forgotten_with_their_events(few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dictionary, "_FEW", few)
    driver = Driver()
    for day in range(240):
        named = [touch(f"{day}-{n}", driver.now, f"junk-{day}-{n}", user=f"u{day}-{n}") for n in range(10)]
        driver.engage(*named)
        driver.buy(*(order(f"o{day}-{n}", driver.now, f"o{day}-{n}", user=f"u{day}-{n}") for n in range(3)))
        driver.buy(message("Visit Booked", f"v{day}", driver.now, user=f"u{day}-0", campaign={"id": f"own-{day}"}))
        driver.flush()
        if day % 50 == 49:
            driver.restart()
        driver.pass_days(1)
    driver.flush()
    assert driver.conversions() == {(f"junk-{day}-{n}", ""): 1 for day in range(240) for n in range(3)}
    state = driver.ledger._kinds
    known = {word.campaign for word in state.words}
    assert "junk-239-9" in known
    assert "junk-0-0" not in known
    most = 2 * (54 * 14) + few + 100  # of the retention and the longest window
    assert max(len(state.words), len(state.means.words), len(state.campaigns.words)) < most
    assert len(driver.ledger._outputs.aggregates.cells.words) < 2 * 500 + few
