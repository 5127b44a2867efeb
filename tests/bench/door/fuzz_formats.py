"""Every format's reader over messages with mistakes: nothing may be raised, and nothing unsound be read.

python tests/bench/door/fuzz_formats.py [messages of each format] [seed] [format ...]
"""

import sys
import time
from collections import Counter
from itertools import islice

from streams.core.door.context import Reading
from streams.core.door.reader import NO_HEADERS, read
from streams.core.door.recognise import FORMATS
from streams.core.parsing.limits import LARGEST
from tests.support.door.mutations import mutated, sound

COUNTED = {"order completed": "Order Completed", "enquiry sent": "Enquiry Sent"}


def fuzzed(name: str, messages: int, seed: int) -> Counter[str]:
    """What became of so many messages of a format. Raises AssertionError with the first that is not sound."""
    reading = Reading(COUNTED, ("order_id", "invoice_id"), ("plan",), format=name, batch_limit=LARGEST)
    became: Counter[str] = Counter()
    for raw in islice(mutated(name, seed), messages):
        for item in read(raw, NO_HEADERS, reading):
            assert sound(item), f"{name}: {raw!r} is {item}"
            became.update([item.rejected.reason] if item.rejected else [type(event).__name__ for event in item.events])
    return became


def main(messages: int, seed: int, names: list[str]) -> None:
    for name in names or FORMATS:
        begun = time.monotonic()
        became = fuzzed(name, messages, seed)
        took = time.monotonic() - begun
        print(f"{name:12} {messages} messages, seed {seed}, {took:.0f} s: {dict(became.most_common())}", flush=True)


if __name__ == "__main__":
    counts = [int(text) for text in sys.argv[1:3]]
    messages, seed = counts + [100_000, 1][len(counts) :]
    main(messages, seed, sys.argv[3:])
