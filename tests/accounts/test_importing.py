"""Lists of people: CSV in every dress, Excel workbooks, and files that mean harm."""

import io
import struct
import time
import tracemalloc
import zipfile

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.accounts.account import Role
from consent.accounts.importing import MAX_BYTES, MOST, Person, read
from consent.errors import Problem

PEOPLE = [Person(1, "ann@shop.example", Role.AUDITOR), Person(2, "bob@shop.example", None)]

DRESSES = [
    b"ann@shop.example,auditor\nbob@shop.example,\n",
    b"ann@shop.example;auditor\r\nbob@shop.example;\r\n",
    b"ann@shop.example\tAuditor\nbob@shop.example",
    "\ufeffAnn@shop.example , auditor\nbob@shop.example\n\n".encode(),
    b'"ann@shop.example","auditor"\n"bob@shop.example"\n',
    b"auditor,ann@shop.example\n,bob@shop.example\n",
]


@pytest.mark.parametrize("body", DRESSES)
def test_csv_in_every_dress(body: bytes) -> None:
    """Commas, semicolons, tabs; quotes, a byte order mark, either order, capitals and blank lines."""
    assert read(body).people == PEOPLE
    assert read(body).faults == []


def test_a_head_is_skipped() -> None:
    """A first line without an address is a head."""
    assert [one.email for one in read(b"E-Mail,Rolle\nann@shop.example,auditor\n").people] == ["ann@shop.example"]


def workbook(*rows: tuple[object, ...]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def test_a_workbook() -> None:
    """As Excel's format has it, with shared texts, numbers and gaps."""
    body = workbook(
        ("Address", "Role"), ("ann@shop.example", "auditor"), (None, "bob@shop.example"), (5, "x@y.example")
    )

    assert [(one.row, one.email, one.role) for one in read(body).people] == [
        (2, "ann@shop.example", Role.AUDITOR), (3, "bob@shop.example", None), (4, "x@y.example", None),
    ]  # fmt: skip


FAULTS = [
    ("ann@shop.example,auditor\nnobody\n", 2),
    ("ann@shop.example,auditor\nANN@shop.example\n", 2),
    ("=cmd|'/c calc'!A1@x.example,owner\n", 1),
    ("+ann@shop.example\n", 1),
    ("ann@shop.example\nbob@shop.example,=1+1\n", 2),
    ("ann@shop.example\n" + "x" * 500 + "@shop.example\n", 2),
    ("ann@shop.example\nb\u202eob@shop.example\n", 2),
    ("ann@shop.example\nbob@shop.example\x00,owner\n", 2),
    ("ann@shop.example\n<script>@shop.example\n", 2),
]


@pytest.mark.parametrize(("text", "row"), FAULTS)
def test_faults_name_their_row(text: str, row: int) -> None:
    """What is no address, stands there twice, or begins as a formula is told with its line."""
    assert [one.row for one in read(text.encode()).faults] == [row]


def test_more_than_a_hundred() -> None:
    """A hundred people go at once, one more do not."""
    lines = [f"person{n}@shop.example" for n in range(MOST + 1)]

    assert len(read("\n".join(lines[:MOST]).encode()).people) == MOST
    with pytest.raises(Problem, match="more than 100"):
        read("\n".join(lines).encode())


def packed(parts: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in parts.items():
            archive.writestr(name, body)
    return file.getvalue()


def squeezed(kind: int) -> bytes:
    """A workbook of that compression with its middle overwritten."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", kind) as archive:
        archive.writestr(SHEET, b"<worksheet>" + bytes(range(256)) * 50 + b"</worksheet>")
    body = bytearray(file.getvalue())
    body[90:190] = bytes(100)
    return bytes(body)


SHEET = "xl/worksheets/sheet1.xml"
LAUGHS = b'<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><worksheet><c><v>&b;</v></c></worksheet>'
HOSTILE = {
    "too large": b"x" * (MAX_BYTES + 1),
    "a zip of zeros": packed({SHEET: b"<worksheet>" + b" " * 200_000_000}),
    "a bomb of shared texts": packed({SHEET: b"<worksheet/>", "xl/sharedStrings.xml": b"\0" * 100_000_000}),
    "too many parts": packed({f"p{n}": b"" for n in range(300)}),
    "no sheet": packed({"readme": b"x"}),
    "entities": packed({SHEET: LAUGHS}),
    "outside entity": packed(
        {SHEET: b'<!DOCTYPE w [<!ENTITY x SYSTEM "file:///etc/passwd">]><worksheet>&x;</worksheet>'}
    ),
    "a formula": workbook(("=1+1",)),
    "cut": workbook(("ann@shop.example",))[:-200],
    "a text that is not there": packed({SHEET: b'<worksheet><row><c t="s"><v>99</v></c></row></worksheet>'}),
    "a number that is none": packed({SHEET: "<worksheet><row><c t='s'><v>²</v></c></row></worksheet>".encode()}),
    "a million rows": packed({SHEET: b"<worksheet>" + b"<row/>" * 500_000 + b"</worksheet>"}),
    "no XML": packed({SHEET: b"\x00\xff"}),
    "only the mark": b"PK\x03\x04",
    "another compression, damaged": squeezed(zipfile.ZIP_LZMA),
    "a third compression, damaged": squeezed(zipfile.ZIP_BZIP2),
    "a quote without end": b'"' + b"x" * 200_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_files_that_mean_harm(name: str) -> None:
    """Each is refused with a sentence, soon, and in little memory."""
    tracemalloc.start()
    begun = time.perf_counter()
    with pytest.raises(Problem) as refused:
        read(HOSTILE[name])
    took, (_, most) = time.perf_counter() - begun, tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert refused.value.code == "people_list"
    assert took < 10
    assert most < 40_000_000


def test_a_part_that_lies_about_its_size() -> None:
    """What the archive says of a part's size is not believed."""
    body = packed({SHEET: b"<worksheet>" + b" " * 50_000_000 + b"</worksheet>"})
    size = struct.pack("<I", 50_000_000 + 23)
    assert size in body

    with pytest.raises(Problem):
        read(body.replace(size, struct.pack("<I", 100)))


BOOK = workbook(("ann@shop.example", "auditor"))


def refusal(body: bytes) -> str:
    """The error's code; nothing for what was read."""
    try:
        read(body)
    except Problem as problem:
        return problem.code
    return ""


@given(st.binary(max_size=2_000))
def test_any_bytes(body: bytes) -> None:
    """Whatever bytes come, they are read or refused with a sentence."""
    assert refusal(body) in ("", "people_list")


@given(st.binary(max_size=300), st.integers(0, len(BOOK) - 1))
def test_any_damage(damage: bytes, at: int) -> None:
    """A workbook that was damaged anywhere is read or refused with a sentence."""
    body = bytearray(BOOK)
    body[at : at + len(damage)] = damage

    assert refusal(bytes(body)) in ("", "people_list")
