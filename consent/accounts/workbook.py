"""The first sheet of an Excel workbook (ECMA-376) as text: bounded in every direction, no formula, no entity. Pure."""

import io
import re
import zipfile
from collections.abc import Callable
from xml.parsers import expat

from consent.errors import Problem

MAX_PARTS = 200
"""Files in the archive."""

MAX_PART = 4_000_000
"""Bytes of one file, unpacked. What the archive says of itself is not believed: reading stops there."""

MAX_CELLS = 20_000


def rows(body: bytes, *, most: int) -> list[list[str]]:
    """The cells of the first sheet, row by row, at most so many rows. Raises Problem for what is no such file."""
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            names = archive.namelist()
            if len(names) > MAX_PARTS:
                raise _unreadable("it has too many parts")
            sheet = min((name for name in names if re.fullmatch(r"xl/worksheets/[\w-]+\.xml", name)), default="")
            if not sheet:
                raise _unreadable("it has no sheet")
            shared = _shared(_part(archive, "xl/sharedStrings.xml")) if "xl/sharedStrings.xml" in names else []
            return _sheet(_part(archive, sheet), shared, most)
    except (zipfile.BadZipFile, expat.ExpatError, NotImplementedError, EOFError, RuntimeError) as error:
        raise _unreadable("it is damaged, or locked by a password") from error
    except (OSError, ValueError, zipfile.zlib.error) as error:  # type: ignore[attr-defined]
        raise _unreadable("it is damaged") from error


def _part(archive: zipfile.ZipFile, name: str) -> bytes:
    if archive.getinfo(name).compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise _unreadable("it is packed as no workbook is")  # others take as much memory as the archive says
    with archive.open(name) as file:
        found = file.read(MAX_PART + 1)
    if len(found) > MAX_PART:
        raise _unreadable("a part of it is too large")
    return found


class _Texts:
    """Collects the text of elements, and what stands in their start tags."""

    def __init__(self, begin: Callable[[str, dict[str, str]], None], end: Callable[[str], None]) -> None:
        self.text: list[str] = []
        self._begin = begin
        self._end = end
        self._parser = expat.ParserCreate(namespace_separator=" ")
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = lambda name: self._end(_local(name))
        self._parser.CharacterDataHandler = self.text.append
        self._parser.StartDoctypeDeclHandler = self._refuse  # no entities: nothing grows while it is read

    def read(self, body: bytes) -> None:
        self._parser.Parse(body, True)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if _local(name) in ("t", "v", "f"):
            self.text.clear()
        self._begin(_local(name), attributes)

    def _refuse(self, *_: object) -> None:
        raise _unreadable("it declares a document type")


def _shared(body: bytes) -> list[str]:
    """The strings that cells refer to by their number."""
    found: list[str] = []
    parts: list[str] = []

    def end(name: str) -> None:
        if name == "t":
            parts.append("".join(texts.text))
        elif name == "si":
            found.append("".join(parts))
            parts.clear()

    texts = _Texts(lambda *_: None, end)
    texts.read(body)
    return found


def _sheet(body: bytes, shared: list[str], most: int) -> list[list[str]]:
    found: list[list[str]] = []
    cell = {"kind": "", "text": ""}
    count = 0

    def begin(name: str, attributes: dict[str, str]) -> None:
        nonlocal count
        if name == "row":
            found.append([])
            if len(found) > most:
                raise _unreadable(f"it has more than {most:,} rows")
        elif name == "c":
            count += 1
            if count > MAX_CELLS:
                raise _unreadable("it has too many cells")
            cell.update(kind=attributes.get("t", ""), text="")
        elif name == "f":
            raise Problem(
                "people_list", "The workbook computes cells with formulas.", "Save it as values, or as CSV."
            )  # fmt: skip

    def end(name: str) -> None:
        if name in ("v", "t"):
            cell["text"] += "".join(texts.text)
        elif name == "c" and found:
            found[-1].append(_value(cell["kind"], cell["text"], shared))

    texts = _Texts(begin, end)
    texts.read(body)
    return found


def _value(kind: str, text: str, shared: list[str]) -> str:
    if kind != "s":
        return text
    number = int(text) if text.isascii() and text.isdigit() else -1
    if not 0 <= number < len(shared):
        raise _unreadable("a cell refers to a text that is not there")
    return shared[number]


def _local(name: str) -> str:
    return name.rpartition(" ")[2]


def _unreadable(why: str) -> Problem:
    return Problem("people_list", f"The workbook cannot be read: {why}.", "Save it as .xlsx or as CSV, and try again.")
