"""Reads the parts of a large XML file one by one, in constant memory.

Expat parses it as it arrives and provides line numbers. A document type, and with it any entity of
the file's own, is refused where it starts, since it could read other files or expand without limit.
"""

import functools
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import Final
from xml.parsers import expat

from libs.statements.refusals import RefusedError

MOST_DEPTH: Final = 40
MOST_NODES: Final = 20_000  # of one part
MOST_TEXT: Final = 2_000  # characters of one element
MOST_PART: Final = 48 * 2**20  # bytes of one part including inner ones
MOST_PIECE: Final = 2**20  # bytes of it held in memory
MOST_TOKEN: Final = 2**20  # bytes of a tag or comment
_INNER_DEPTH: Final = 2
_ERRORS: Final = expat.errors.codes  # by message
_WHY: Final = {
    expat.errors.XML_ERROR_NO_ELEMENTS: "ends too early: it may be truncated",
    expat.errors.XML_ERROR_UNCLOSED_TOKEN: "ends too early: it may be truncated",
    expat.errors.XML_ERROR_INVALID_TOKEN: "has a character that its encoding or XML does not allow",
    expat.errors.XML_ERROR_PARTIAL_CHAR: "ends in the middle of a character",
    expat.errors.XML_ERROR_TAG_MISMATCH: "closes an element that is not open",
    expat.errors.XML_ERROR_JUNK_AFTER_DOC_ELEMENT: "contains a second document: only one is allowed",
    expat.errors.XML_ERROR_UNDEFINED_ENTITY: "has an entity that is not defined",
    expat.errors.XML_ERROR_UNKNOWN_ENCODING: "is in an unknown encoding: save it as UTF-8",
    expat.errors.XML_ERROR_INCORRECT_ENCODING: "is not in the encoding that it declares",
}
_REASONS: Final = {_ERRORS[words]: reason for words, reason in _WHY.items()}


_names: Final = functools.cache(lambda path: path.split("/"))  # few paths, all from our code


class Node:
    """An element without its namespace: banks' namespaces vary, element names do not."""

    __slots__ = ("attributes", "children", "line", "name", "text")

    def __init__(self, name: str, attributes: dict[str, str], line: int) -> None:
        self.name = name
        self.attributes = attributes
        self.line = line
        self.text = ""
        self.children: list[Node] = []

    def all(self, name: str) -> Iterator["Node"]:
        return (child for child in self.children if child.name == name)

    def find(self, path: str) -> "Node | None":
        """The first element at a path such as `Refs/EndToEndId`."""
        node = self
        for name in _names(path):
            for child in node.children:
                if child.name == name:
                    node = child
                    break
            else:
                return None
        return node

    def text_of(self, *paths: str) -> str:
        """Text of the first path that matches; whitespace collapsed."""
        for path in paths:
            node = self.find(path)
            if node is not None and node.text and (text := " ".join(node.text.split())):
                return text
        return ""


class Shape(ABC):
    """Which elements are parts, and what receives them."""

    inner: str = ""  # an inner part two levels down, delivered first

    @abstractmethod
    def begins(self, name: str, namespace: str, line: int) -> bool:
        """Called for each element outside parts: whether it is a part, to be kept whole."""

    @abstractmethod
    def ends(self, name: str, line: int) -> None:
        """Called at the end of each element outside parts that is not a part."""

    @abstractmethod
    def has(self, part: Node) -> None:
        """Receives a complete part."""


class _Reader:
    def __init__(self, shape: Shape) -> None:
        self._shape = shape
        self._parser = expat.ParserCreate(namespace_separator=" ")
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters
        self._parser.StartDoctypeDeclHandler = self._doctype
        self._depth = 0
        self._nodes = 0
        self._open: list[Node] = []
        self._fed = 0
        self._begun = 0  # the byte where the part began
        self._held_from = 0  # start of the bytes held

    def feed(self, chunk: bytes, *, is_last: bool) -> None:
        try:
            self._parser.Parse(chunk, is_last)
        except expat.ExpatError as error:
            reason = _REASONS.get(error.code, "is not well-formed XML")
            raise RefusedError(reason, line=error.lineno) from None
        except (LookupError, ValueError) as error:
            if isinstance(error, RefusedError):
                raise
            raise self._refused("is in an unsupported encoding: save it as UTF-8") from None
        self._fed += len(chunk)
        here = max(self._parser.CurrentByteIndex, 0)
        if self._fed - here > MOST_TOKEN:
            raise self._refused(f"has a tag or comment of more than {MOST_TOKEN} bytes")
        if self._open and (here - self._begun > MOST_PART or here - self._held_from > MOST_PIECE):
            raise self._refused(f"has a {self._open[0].name} that is too large")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > MOST_DEPTH:
            raise self._refused(f"has elements nested more than {MOST_DEPTH} deep")
        namespace, _, name = tag.rpartition(" ")
        line = self._parser.CurrentLineNumber
        if not self._open and not self._shape.begins(name, namespace, line):
            return
        self._nodes += 1
        if self._nodes > MOST_NODES:
            raise self._refused(f"has more than {MOST_NODES} elements in one place")
        node = Node(name, attributes, line)
        if self._open:
            self._open[-1].children.append(node)
        else:
            self._begun = self._held_from = self._parser.CurrentByteIndex
        self._open.append(node)

    def _end(self, tag: str) -> None:
        self._depth -= 1
        if not self._open:
            self._shape.ends(tag.rpartition(" ")[2], self._parser.CurrentLineNumber)
            return
        node = self._open.pop()
        if not self._open:
            self._nodes = 0
            self._shape.has(node)
        elif node.name == self._shape.inner and len(self._open) == _INNER_DEPTH:
            self._nodes = 0
            self._held_from = self._parser.CurrentByteIndex
            self._open[-1].children.pop()
            self._shape.has(node)

    def _characters(self, text: str) -> None:
        if self._open:
            node = self._open[-1]
            node.text += text
            if len(node.text) > MOST_TEXT:
                raise self._refused(f"has a text of more than {MOST_TEXT} characters")

    def _doctype(self, *declaration: object) -> None:
        raise self._refused("declares a document type or entities, which bank statements must not")

    def _refused(self, reason: str) -> RefusedError:
        return RefusedError(reason, line=self._parser.CurrentLineNumber)


def feeder(shape: Shape, chunks: Iterable[bytes]) -> Iterator[None]:
    """Feeds the shape; yields to the caller after each chunk."""
    reader = _Reader(shape)
    for chunk in chunks:
        reader.feed(chunk, is_last=False)
        yield
    reader.feed(b"", is_last=True)
    yield
