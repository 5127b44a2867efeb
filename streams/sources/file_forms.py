"""Files of events in any form that people have them in: one event a line, an array, or events over several lines.

What a file is follows from its beginning. UTF-16 and marks of byte order are read; a CSV file is named as such.
"""

import codecs
import re
from collections.abc import Iterable, Iterator
from itertools import chain

from streams.core.door.recognise import is_snowplow_line

Block = tuple[bytes, int]  # what is in a file, and the bytes of the file that were read for it
Lot = tuple[list[bytes], int]

_UTF16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|"|[{}\[\],\n]|[^"{}\[\],\s]+', re.DOTALL)
_TOGETHER = re.compile(rb'}\s*{"')
_OPEN, _CLOSE = frozenset({b"{", b"["}), frozenset({b"}", b"]"})
_BEGINNING = 4096  # bytes
_LONGEST_ITEM = 64 * 1024 * 1024  # bytes; what is longer is no event, whatever follows


class FormError(OSError):
    """A file that holds no events in a form that is read; the text names it and says what to do."""


def events(path: str, blocks: Iterable[Block]) -> Iterator[Lot]:
    """The events of a file, many at a time, each at the place of the line it begins on, with empty ones between.

    With each lot the bytes of the file that were read for it. Events that share a line follow each other.
    Raises FormError where the file is none of events.
    """
    plain = _decoded(path, _from_beginning(iter(blocks)))
    first = next(plain)
    begin = first[0].lstrip()
    if begin and begin[:1] not in b"{[" and _is_csv(begin):
        raise FormError(f"{path} looks like CSV; write one event a line, as JSON (schemas/events has examples)")
    every = chain([first], plain)
    return _by_line(every) if _is_lines(begin) else _by_item(every)


def _from_beginning(blocks: Iterator[Block]) -> Iterator[Block]:
    """The blocks, the first of them long enough to see what the file is."""
    begin, size = b"", 0
    for block, read in blocks:
        begin, size = begin + block, size + read
        if len(begin) >= _BEGINNING:
            break
    yield begin, size
    yield from blocks


def _decoded(path: str, blocks: Iterator[Block]) -> Iterator[Block]:
    """The blocks in UTF-8, without a mark of byte order."""
    block, read = next(blocks)
    unmarked = "utf-16-le" if block[1:2] == b"\0" else "utf-16-be" if block[:1] == b"\0" else ""
    encoding = _UTF16.get(block[:2]) or unmarked
    if not encoding:
        yield block.removeprefix(codecs.BOM_UTF8), read
        yield from blocks
        return
    decode = codecs.getincrementaldecoder(encoding)()
    try:
        for part, size in chain([(block[2:] if block[:2] in _UTF16 else block, read)], blocks):
            yield decode.decode(part).encode(), size
        decode.decode(b"", final=True)
    except UnicodeError:
        raise FormError(f"{path} is neither UTF-8 nor whole UTF-16; save it as UTF-8") from None


def _is_csv(begin: bytes) -> bool:
    header, _, rest = begin.partition(b"\n")
    if is_snowplow_line(header):
        return False
    counts = [(header.count(mark), rest.partition(b"\n")[0].count(mark)) for mark in (b",", b";", b"\t")]
    return any(one and (not rest or one == other) for one, other in counts)


def _is_lines(begin: bytes) -> bool:
    """Whether each line is a whole: an object, or what is no JSON at all. A `[` begins an array of events; objects may
    follow each other on a line, as Amazon Data Firehose writes them."""
    lines = [line.strip() for line in begin.split(b"\n")]
    first = next(filter(None, lines), b"")
    opened = first.startswith(b"{") and not first.endswith(b"}") and len(lines) > 1
    together = first.startswith(b"{") and _TOGETHER.search(first)
    return not (first.startswith(b"[") or opened or together or b"{" in lines)


def _by_line(blocks: Iterable[Block]) -> Iterator[Lot]:
    unfinished: list[bytes] = []
    for block, read in blocks:
        first, *more = block.split(b"\n")
        unfinished.append(first)
        if more:
            *whole, rest = b"".join(unfinished), *more
            yield whole, read
            unfinished = [rest]
        else:
            yield [], read
    if any(unfinished):
        yield [b"".join(unfinished)], 0


def _by_item(blocks: Iterable[Block]) -> Iterator[Lot]:
    items = _Items()
    for block, read in blocks:
        yield items.feed(block), read
    yield items.rest(), 0


class _Items:
    """Cuts a stream of bytes into its topmost objects; the list around them, if any, is passed over."""

    def __init__(self) -> None:
        self._text, self._line = b"", 0  # what is not cut yet, and the line that it begins on
        self._place = 0  # of the next event
        self._listed = False

    def feed(self, block: bytes) -> list[bytes]:
        """The events that end in that block."""
        text = self._text + block
        found, start, depth, line = list[bytes](), -1, 0, self._line
        used = used_line = 0
        begun = line
        for token in _TOKEN.finditer(text):
            word = token[0]
            if token.end() == len(text) and word not in _CLOSE | _OPEN:
                break  # perhaps it goes on in the next block
            if word == b"\n":
                line += 1
            elif start < 0 and depth == 0 and self._passed(word):
                used, used_line = token.end(), line
            else:
                if start < 0:
                    start, begun = token.start(), line
                depth += (word in _OPEN) - (word in _CLOSE)
                line += word.count(b"\n")
                if depth <= 0:
                    found += self._at(begun, text[start : token.end()])
                    start, depth, used, used_line = -1, 0, token.end(), line
        self._line = used_line if used else self._line
        self._text = text[used:]
        if len(self._text) > _LONGEST_ITEM:
            found += self.rest()
        return found

    def _passed(self, word: bytes) -> bool:
        """Whether it stands between events: commas, and the brackets of the list that holds them."""
        opens = word == b"[" and not self._listed and self._place == 0
        self._listed |= opens
        return opens or word == b"," or (word == b"]" and self._listed)

    def _at(self, line: int, item: bytes) -> list[bytes]:
        """The event at the place of its line, after as many empty ones as are missing there."""
        empty = max(line - self._place, 0)
        self._place += empty + 1
        return [b""] * empty + [item]

    def rest(self) -> list[bytes]:
        """What never ended, as one event that is none."""
        text, self._text = self._text.strip().strip(b",]").rstrip(), b""
        return self._at(self._line, text) if text else []
