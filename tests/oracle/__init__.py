"""The contract in code: a naive attribution of everything at once, for comparing the real one with.

The contract is what maalstrom promises of its figures: `docs` says it to readers, this package and schemas to tests.
Written from that text alone and for reading: plain dicts, exact fractions, no state that is carried along.
It takes all records in the order of their arrival, and only then, by the final catalogue, works out each conversion.
Like `replay` it has neither a retention nor a clock nor a bound on campaigns. It reads Segment's form alone.
"""

from tests.oracle.attribution import Result, attribute, run

__all__ = ["Result", "attribute", "run"]
