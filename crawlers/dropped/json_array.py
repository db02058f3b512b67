"""The objects of a large JSON array one at a time: memory holds the largest object, not the file."""

import codecs
import json
import re
from collections.abc import Iterator
from typing import Any, BinaryIO, NoReturn

from geo_flywheel.errors import Unreadable

MAX_OBJECT = 64 * 1024**2
"""Characters one object of the array may have."""

_CHUNK = 1024**2
_SURROGATE = "\\ud"
_SPACE = re.compile(r"[ \t\r\n]*")


def objects(stream: BinaryIO, where: str, wrapper: str = "") -> Iterator[dict[str, Any]]:
    """Yield the objects of a JSON array as they are read.

    Args:
        stream: UTF-8 text: the array, or an object that holds it as its first value.
        where: What the errors call it.
        wrapper: Key of the array where it may stand inside an object: `{"conversations": [...]}`.

    Raises:
        Unreadable: If it is empty, HTML, not UTF-8, cut off, nested too deep, holds NaN, an item that is no object,
            or one object of more than `MAX_OBJECT`.
    """
    text = _Text(stream, where)
    _enter(text, where, wrapper)
    number = 0
    while text.peek() != "]":
        number += 1
        if number > 1 and text.take() != ",":
            raise Unreadable(f"{where}: no comma after item {number - 1}; the file is damaged: export it again")
        item = text.value(f"item {number}")
        if not isinstance(item, dict):
            kind = type(item).__name__
            raise Unreadable(f"{where}: item {number} is a JSON {kind}, not an object; is this the file you meant?")
        yield item


def _enter(text: "_Text", where: str, wrapper: str) -> None:
    """Step inside the array."""
    first = text.take()
    if not first:
        raise Unreadable(f"{where}: the file is empty; export it again")
    if first == "{" and wrapper:
        held = text.peek() == '"' and text.value("its first key") == wrapper and text.take() == ":"
        first = text.take() if held else first
    if first == "<":
        raise Unreadable(f"{where}: this is an HTML or XML page, not JSON; look at it for the error it shows")
    if first != "[":
        raise Unreadable(f"{where}: begins with {first!r}, not with a JSON array; is this the file you meant?")


class _Text:
    """The characters from the present place on, read as they are wanted."""

    def __init__(self, stream: BinaryIO, where: str) -> None:
        self._stream = stream
        self._where = where
        self._utf8 = codecs.getincrementaldecoder("utf-8-sig")()
        self._json = json.JSONDecoder(parse_constant=_no_constant)
        self._text = ""
        self._at = 0
        self._ended = False

    def peek(self) -> str:
        """The next character that is not white space, or "" at the end."""
        while True:
            space = _SPACE.match(self._text, self._at)
            self._at = space.end() if space else self._at
            if self._at < len(self._text):
                return self._text[self._at]
            if self._ended:
                return ""
            self._more(_CHUNK)

    def take(self) -> str:
        """The same, stepping over it."""
        found = self.peek()
        self._at += len(found)
        return found

    def value(self, what: str) -> Any:
        """The next JSON value; a failed try reads twice as much, so that the tries cost no more than the last one."""
        self.peek()
        while True:
            try:
                found, end = self._json.raw_decode(self._text, self._at)
                if _SURROGATE in self._text[self._at : end]:
                    found = _mended(found)
            except RecursionError as error:
                raise Unreadable(f"{self._where}: {what} is nested too deep; is this really an export?") from error
            except ValueError as error:
                held = len(self._text) - self._at
                if self._ended:
                    self._fail(what, error)
                if held > MAX_OBJECT:
                    raise Unreadable(
                        f"{self._where}: {what} does not end within {MAX_OBJECT:,} characters or is damaged ({error}); "
                        "export it again"
                    ) from error
                self._more(max(_CHUNK, held))
            else:
                self._at = end
                return found

    def _more(self, size: int) -> None:
        data = self._stream.read(size)
        self._ended = len(data) < size
        try:
            text = self._utf8.decode(data, self._ended)
        except UnicodeDecodeError as error:
            raise Unreadable(f"{self._where}: not UTF-8 ({error.reason}); export it again") from error
        self._text = self._text[self._at :] + text
        self._at = 0

    def _fail(self, what: str, error: ValueError) -> NoReturn:
        raise Unreadable(
            f"{self._where}: {what} is not JSON ({error}); the file is cut off or damaged: export it again"
        ) from error


def _mended(value: Any) -> Any:
    """The same without halves of characters, which JSON can write and UTF-8 cannot hold."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_mended(item) for item in value]
    if isinstance(value, dict):
        return {_mended(key): _mended(item) for key, item in value.items()}
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
