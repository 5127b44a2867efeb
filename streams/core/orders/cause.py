"""Why a conversion is stated anew."""

from enum import IntEnum


class Cause(IntEnum):
    """Why a conversion is stated anew, the weakest first.

    A restatement has one cause: the strongest of all that came since its conversion was last looked at. What replaces
    the whole conversion goes before what takes back some of it, and that before what only moves credit. CATALOGUE is
    what is left where no message bears on it: the worker was started with another catalogue.
    """

    CATALOGUE = 0
    LATE_TOUCH = 1
    IDENTITY = 2
    CONSENT = 3
    REVERSAL = 4
    CORRECTION = 5
    ERASURE = 6

    @property
    def word(self) -> str:
        """As it stands in statements and rows."""
        return self.name.lower()
