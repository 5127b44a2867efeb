"""The one way out of every command: what is printed carries nothing that steers a terminal, whoever wrote it."""

from collections.abc import Iterator

from rich.console import Console as RichConsole
from rich.console import ConsoleOptions, RenderableType
from rich.segment import Segment

from streams.core.parsing.printable import printable

PIPED_WIDTH = 1000  # characters: in a file or a pipe there is room, and a name stays on its line


class Console(RichConsole):
    """Prints text as it is, without what is not seen; rich's own colours and movements alone are control characters.
    Names that people write are never taken for markup."""

    def __init__(self, *, stderr: bool = False, soft_wrap: bool = False) -> None:
        super().__init__(stderr=stderr, soft_wrap=soft_wrap, markup=False, emoji=False, highlight=False)
        if not self.is_terminal and self._width is None:  # COLUMNS does not say
            self.width = PIPED_WIDTH

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterator[Segment]:
        """The segments of what is to be printed, cleaned."""
        for text, style, control in super().render(renderable, options):
            yield Segment(text if control else printable(text), style, control)
