"""Access logs are imported once, under the gate, whatever happens meanwhile; nothing of who was not asked is kept."""

import bz2
import contextlib
import gzip
import io
import json
import lzma
import random
import secrets
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from rich.console import Console

from consent import cli_import
from consent.cli import main
from consent.telemetry import importing, mark_queries
from consent.telemetry.logfile import open_log
from consent.visitors.cookies import Jar, digest
from consent.visitors.visit import DAY, arrive
from consent.web.keyring import open_keyring
from tests.telemetry.imported import BOT, CHROME, NOW, POLICY, answered, imported, publish, rows, views, visitor


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with a published policy, at a fixed time."""
    monkeypatch.setattr(cli_import, "_now", lambda: NOW)
    publish(tmp_path / "data")
    return tmp_path / "data"


def line(
    path: str = "/", address: str = "192.0.2.7", agent: str = CHROME, ago: int = 3 * DAY, status: int = 200, **more: str
) -> str:
    """A line of so many ms ago; with `cookies` as the last field."""
    stamp = datetime.fromtimestamp((NOW - ago) // 1_000, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")
    method, referrer = more.get("method", "GET"), more.get("referrer", "-")
    behind = f' "{more["cookies"]}"' if "cookies" in more else ""
    return f'{address} - - [{stamp}] "{method} {path} HTTP/1.1" {status} 512 "{referrer}" "{agent}"{behind}\n'


def test_counts(data: Path) -> None:
    """Where the visitor's law exempts it page views are counted; files, forms and pages that are not there are not."""
    text = line("/lamps") * 3 + line("/chairs/oak?utm_source=x&mail=a@b.example", referrer="https://news.example/a?q=1")
    text += line("/site.css") + line("/basket", method="POST") + line("/none", status=404) + line("/lamps", agent=BOT)
    text += line("/lamps", status=206) + line("/lamps", status=204)  # the rest of a page, and none
    said = imported(data, text, "--country", "FR")
    assert (said["lines"], said["counted"], said["stored"]) == (10, 4, 0)
    assert said["left"] == {"asset": 1, "no-view": 4, "bot": 1}
    assert said["bots"] == [["Googlebot", 1]]
    assert views(data) == {"shop.example/lamps": 3, "shop.example/chairs/oak": 1}
    assert views(data, "country") == {"FR": 4}
    assert views(data, "page*device") == {"shop.example/lamps": 3, "shop.example/chairs/oak": 1}
    assert dict(rows(data, "select val || also, views from rollup where dim = 'page*source' and also <> ''")) == {
        "shop.example/chairs/oaknews.example": 1
    }


def test_nothing_is_kept(data: Path) -> None:
    """Where nothing is exempt nothing is counted, and said so; of no visitor address or browser is in any file."""
    text = line("/lamps", address="198.51.100.77") + line("/lamps", address="2001:db8:77::7")
    assert imported(data, text, "--country", "DE")["left"] == {"not-allowed": 2}
    assert imported(data, line("/b") + text)["left"] == {"no-place": 3}
    assert imported(data, line("/c") + text, "--country", "FR")["counted"] == 3
    held = b"".join(path.read_bytes() for path in data.rglob("*") if path.is_file())
    for trace in (b"198.51.100", b"2001:db8:77", b"Chrome/131", b"192.0.2"):
        assert trace not in held
    assert rows(data, "select count(*) from event") == [(0,)]


def test_counts_off(data: Path) -> None:
    """A policy that counts nobody counts nobody; a site without a log says what to do."""
    publish(data, "counts = false\n")
    assert imported(data, line(), "--country", "FR")["left"] == {"not-allowed": 1}
    file = data.parent / "policy.toml"
    file.write_text(POLICY.replace("[telemetry]", ""), "utf-8")
    answered(data, "policy", "publish", str(file))
    done = CliRunner().invoke(main, ["import-log", "shop", str(data.parent / "access.log"), "--data", str(data)])
    assert (done.exit_code, "[telemetry]" in done.output) == (2, True)


def test_once(data: Path) -> None:
    """The same lines count once: of the same file, of one that grew, and of one that was packed and renamed."""
    file = data.parent / "access.log"
    text = line("/a") * 2 + line("/b") + "broken\n"
    assert imported(data, text, "--country", "FR")["counted"] == 3
    again = imported(data, text, "--country", "FR")
    assert (again["counted"], again["before"], again["lines"], again["refused"]) == (0, 4, 0, {})
    grown = imported(data, text + line("/c"), "--country", "FR")
    assert (grown["counted"], grown["before"]) == (1, 4)
    for name, pack in (("log.1.gz", gzip.compress), ("log.2.xz", lzma.compress), ("log.3.bz2", bz2.compress)):
        packed = data.parent / name
        packed.write_bytes(pack(file.read_bytes()))
        assert imported(data, packed, "--country", "FR")["before"] == 5
    said = answered(data, "import-log", "shop", "-", "--country", "FR", input=file.read_bytes())
    assert (said["before"], said["counted"]) == (5, 0)
    assert views(data) == {"shop.example/a": 2, "shop.example/b": 1, "shop.example/c": 1}
    assert imported(data, text[: len(line("/a"))], "--country", "FR")["before"] == 1  # a shorter copy
    assert imported(data, text, "--country", "FR", "--again")["counted"] == 3


def test_differs(data: Path) -> None:
    """A log that begins like one before and was changed is refused with what to do, and nothing of it counts."""
    imported(data, line("/a") + line("/b"), "--country", "FR")
    file = data.parent / "access.log"
    file.write_text(line("/a") + line("/c") + line("/d"), "utf-8")
    done = CliRunner().invoke(main, ["import-log", "shop", str(file), "--data", str(data), "--json", "--country", "FR"])
    assert (done.exit_code, json.loads(done.output)["error"]) == (2, "log_differs")
    assert set(views(data)) == {"shop.example/a", "shop.example/b"}


def test_forgotten(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """How far a log was imported is forgotten once no row of it can be left."""
    imported(data, line("/a"), "--country", "FR")
    monkeypatch.setattr(cli_import, "_now", lambda: NOW + mark_queries.KEPT + DAY)
    imported(data, line("/b"), "--country", "FR")
    assert rows(data, "select count(*) from imported") == [(1,)]


def test_unfinished(data: Path) -> None:
    """A last line that is still being written waits for the next time."""
    assert imported(data, line("/a") + line("/b")[:-9], "--country", "FR")["left"] == {"unfinished": 1}
    assert imported(data, line("/a") + line("/b"), "--country", "FR")["counted"] == 1


def test_cookies(data: Path) -> None:
    """With the Cookie field visitors who agreed have rows, equal lines one each; others have none."""
    yes, who = visitor(data)
    no, _ = visitor(data, grants=False)
    text = line("/a?utm_campaign=may", cookies=yes, referrer="https://news.example/x") * 2
    text += line("/b", cookies=yes, status=404, agent=CHROME) + line("/c", cookies=no) + line("/d", cookies=yes[:-9])
    said = imported(data, text, "--cookies", "--country", "DE")
    assert (said["stored"], said["counted"], said["left"]) == (3, 0, {"not-allowed": 1, "no-identity": 1})
    assert rows(data, "select id, first, views from visitor") == [(who.hex(), NOW - 3 * DAY, 2)]
    [(source, campaign, browser, language, bot)] = rows(
        data, "select source, campaign, browser, language, bot from session"
    )
    assert (source, json.loads(campaign), browser, language, bot) == (
        "news.example", {"utm_campaign": "may"}, "Chrome", "", ""
    )  # fmt: skip
    assert rows(data, "select event, path, status, address, allowed_by, cookies from event order by path, id") == [
        *[("view", "/a", 200, "192.0.2.0", "granted", "visitor,session")] * 2,
        ("request", "/b", 404, "192.0.2.0", "granted", "visitor,session"),
    ]
    assert imported(data, text, "--cookies", "--country", "DE")["before"] == 5
    again = imported(data, line("/z") + text, "--cookies", "--country", "DE")  # another file with the same lines
    assert (again["stored"], again["before"], again["lines"]) == (0, 3, 3)
    assert views(data, "total", "full") == {"": 2}


def test_many_rows(data: Path) -> None:
    """Rows of many lines are added up when the import ends, as the rows are."""
    yes, _ = visitor(data)
    text = "".join(line(f"/{number % 9}", cookies=yes, ago=3 * DAY - number) for number in range(700))
    assert imported(data, text, "--cookies", "--country", "DE")["stored"] == 700
    assert sum(views(data, "page", "full").values()) == 700
    assert rows(data, "select count(*) from uncounted") == [(0,)]
    assert CliRunner().invoke(main, ["rollup", "rebuild", "--check", "--data", str(data)]).exit_code == 0


def test_without_grant(data: Path) -> None:
    """Cookies of ours do not help without a grant: no choice, a refusal, another site's seal, a visit that is over."""
    yes, _ = visitor(data)
    cookies = {part.partition("=")[0]: part for part in yes.split("; ")}
    jar = Jar(open_keyring(data.parent / "other", 0, secrets.token_bytes), secrets.token_bytes)
    foreign = jar.write(arrive(None, None, NOW - 3 * DAY, secrets.token_bytes), "shop", NOW, where="page", secure=True)
    for given, left in (
        ("; ".join(part for name, part in cookies.items() if name != "consent"), "not-allowed"),
        (cookies["consent"], "no-identity"),
        ("; ".join([cookies["consent"], *(one.partition(";")[0] for one in foreign)]), "no-identity"),
    ):
        assert imported(data, line(f"/{secrets.token_hex(2)}", cookies=given), "--cookies", "--country", "DE")[
            "left"
        ] == {left: 1}
    late = line("/late", cookies=yes, ago=3 * DAY - 31 * 60_000)
    assert imported(data, late, "--cookies", "--country", "DE")["left"] == {"no-identity": 1}
    assert rows(data, "select count(*) from event") == [(0,)]


def test_withdrawn(data: Path) -> None:
    """Who withdrew meanwhile is not brought back by an old log."""
    yes, who = visitor(data)
    imported(data, line())
    mark = digest(who).hex()
    with contextlib.closing(sqlite3.connect(data / "telemetry.sqlite")) as connection, connection:
        connection.execute("insert into forgotten values (1, ?, ?)", (mark, NOW + 400 * DAY))
    said = imported(data, line("/x", cookies=yes), "--cookies")
    assert (said["stored"], said["left"]) == (0, {"withdrawn": 1})
    assert rows(data, "select count(*) from visitor") == [(0,)]


def test_too_fresh(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of the last day wait, for their visits may go on; the next import begins with them."""
    yes, _ = visitor(data, ago=DAY + 60_000)
    text = line("/a", cookies=yes, ago=DAY + 60_000) + line("/b", cookies=yes, ago=DAY - 60_000) + line("/c", ago=9_000)
    said = imported(data, text, "--cookies", "--country", "FR")
    assert (said["lines"], said["stored"], said["left"]) == (1, 1, {"too-fresh": 1})
    monkeypatch.setattr(cli_import, "_now", lambda: NOW + DAY)
    said = imported(data, text, "--cookies", "--country", "FR")
    assert (said["before"], said["stored"], said["counted"]) == (1, 1, 1)


def test_hosts(data: Path) -> None:
    """Lines that name a host count for it, others for the one that is said; others' hosts are left out."""
    text = "www.shop.example:443 " + line("/a") + "blog.example:443 " + line("/b") + line("/c")
    said = imported(data, text, "--country", "FR", "--host", "www.shop.example")
    assert said["left"] == {"other-site": 1}
    assert set(views(data)) == {"www.shop.example/a", "www.shop.example/c"}
    for word in (["--host", "blog.example"], ["--country", "Atlantis"]):
        done = CliRunner().invoke(main, ["import-log", "shop", "x", "--data", str(data), *word])
        assert done.exit_code == 2
    future = line("/d", ago=-2 * DAY)
    assert imported(data, future, "--country", "FR")["left"] == {"too-new": 1}


def test_refused(data: Path) -> None:
    """Lines that cannot be read are counted by reason, some are shown without control characters, all are written."""
    out = data.parent / "rejects"
    file = data.parent / "access.log"
    file.write_bytes(b"\x1b[2Jnonsense\n" * 9 + b"nonsense\n" * 4 + b"x" * 70_000 + b"\n" + line("/a").encode())
    said = imported(data, file, "--country", "FR", "--rejects", str(out))
    assert said["refused"] == {"control": 9, "shape": 4, "too-long": 1}
    assert Counter(one["reason"] for one in said["examples"]) == {"control": 3, "shape": 3, "too-long": 1}
    assert all(one["text"].isprintable() and len(one["text"]) <= 160 for one in said["examples"])
    written = out.read_text("utf-8").splitlines()
    told = [["9", "control"], ["10", "shape"], ["11", "shape"]]
    assert [one.split("\t")[:3] for one in written[8:11]] == [[str(file), *one] for one in told]
    assert {one["file"] for one in said["examples"]} == {str(file)}
    assert (len(written), said["counted"]) == (14, 1)
    assert out.stat().st_mode & 0o777 == 0o600


def test_told(data: Path) -> None:
    """A person reads how many lines there were, how fast, and what became of the others."""
    file = data.parent / "access.log"
    file.write_text(line("/a") + line("/a.css") + line("/b", agent=BOT) + "?\n", "utf-8")
    done = CliRunner().invoke(main, ["import-log", "shop", str(file), "--data", str(data), "--country", "FR"])
    for words in (
        "lines read in",
        "a second",
        "1  page views counted",
        "1  by bots: Googlebot 1",
        "1  files that pages",
    ):
        assert words in done.output
    assert "1  could not be read: shape" in done.output and "line 4 (shape): ?" in done.output


def test_told_that_nothing_was_counted(data: Path) -> None:
    """Where no line's country is known the command says how the same lines are counted; so they are, once."""
    file = data.parent / "access.log"
    file.write_text(line("/a") + line("/b"), "utf-8")
    words = ["import-log", "shop", str(file), "--data", str(data)]
    assert "import these lines --again" in CliRunner().invoke(main, words).output
    done = CliRunner().invoke(main, [*words, "--country", "FR", "--again"])
    assert "2  page views counted" in done.output and "--again" not in done.output


def test_files(data: Path, tmp_path: Path) -> None:
    """Files that cannot be read are refused with the remedy, and what was done before stays done."""
    for name, content, words in (
        ("absent", None, "cannot be read"),
        ("log.zst", b"\x28\xb5\x2f\xfd\x00", "zstd -dc"),
        ("log.gz", gzip.compress(line("/a").encode() * 5_000)[:200], "cannot be read on"),
    ):
        if content is not None:
            (tmp_path / name).write_bytes(content)
        done = CliRunner().invoke(
            main, ["import-log", "shop", str(tmp_path / name), "--data", str(data), "--country", "FR"]
        )
        assert (done.exit_code, words in done.output) == (2, True), done.output
    (tmp_path / "empty").write_bytes(b"")
    assert answered(data, "import-log", "shop", str(tmp_path / "empty"))["lines"] == 0


def test_long_lines(tmp_path: Path) -> None:
    """A line of any length is held cut, and its whole size is known."""
    (tmp_path / "log").write_bytes(b"a" * 1_000_000 + b"\nb\nc")
    with open_log(str(tmp_path / "log")) as file:
        found = [(len(one.raw), one.size, one.ended) for one in file.lines()]
    assert found == [(16_386, 1_000_001, True), (2, 2, True), (1, 1, False)]


def test_killed(data: Path) -> None:
    """An import that is killed goes on where it was: in the end every line has counted once."""
    file = data.parent / "access.log"
    file.write_text("".join(line(f"/{number % 7}", ago=3 * DAY - number) for number in range(25_000)), "utf-8")
    command = [sys.executable, "-c", "from consent.cli import main; main()", "import-log", "shop", str(file)]
    running = subprocess.Popen([*command, "--data", str(data), "--country", "FR"], stdout=subprocess.PIPE)
    end = time.monotonic() + 60
    while time.monotonic() < end and not done_so_far(data):
        assert running.poll() is None
    running.send_signal(signal.SIGKILL)
    running.communicate()
    before = done_so_far(data)
    assert 0 < before < 25_000 and sum(views(data).values()) == before
    said = imported(data, file, "--country", "FR")
    assert (said["before"], said["counted"]) == (before, 25_000 - before)
    assert sum(views(data).values()) == 25_000


def done_so_far(data: Path) -> int:
    if not (data / "telemetry.sqlite").exists():
        return 0
    with contextlib.suppress(sqlite3.OperationalError):
        return int(rows(data, "select coalesce(sum(lines), 0) from imported")[0][0])
    return 0


def test_two_at_once(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two imports of one log that overlap the second gives up, and in the end every line has counted once."""
    file = data.parent / "access.log"
    file.write_text("".join(line(f"/{number % 7}", ago=3 * DAY - number) for number in range(2_500)), "utf-8")
    other = [sys.executable, "-c", "from consent.cli import main; main()", "import-log", "shop", str(file)]
    write, times = importing.Importer._write, []

    async def overtaken(self: Any, *args: Any) -> None:
        times.append(1)
        if len(times) == 2:
            command = [*other, "--data", str(data), "--country", "FR"]
            subprocess.run(command, check=True, capture_output=True)  # noqa: ASYNC221  # both are at it
        await write(self, *args)

    monkeypatch.setattr(importing.Importer, "_write", overtaken)
    done = CliRunner().invoke(main, ["import-log", "shop", str(file), "--data", str(data), "--country", "FR"])
    assert (done.exit_code, "by another program" in done.output) == (2, True), done.output
    monkeypatch.undo()
    monkeypatch.setattr(cli_import, "_now", lambda: NOW)
    assert imported(data, file, "--country", "FR")["counted"] == 0
    assert sum(views(data).values()) == 2_500


def test_beside(data: Path) -> None:
    """Beside a service that writes all the time an import ends, and both have written everything."""
    imported(data, line("/first"))
    stop, written = threading.Event(), 0

    def write() -> None:
        nonlocal written
        with contextlib.closing(sqlite3.connect(data / "telemetry.sqlite", timeout=10, isolation_level=None)) as other:
            while not stop.is_set():
                other.execute("begin immediate")
                other.execute(
                    "insert into dropped values (1, 1, 'beside', 1)"
                    " on conflict (site_id, hour, reason) do update set n = n + 1"
                )
                other.execute("commit")
                written += 1
                stop.wait(0.001)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        said = imported(data, "".join(line(f"/{number % 5}") for number in range(5_000)), "--country", "FR")
    finally:
        stop.set()
        thread.join()
    assert said["counted"] == sum(views(data).values()) == 5_000
    assert rows(data, "select n from dropped where reason = 'beside'") == [(written,)] and written > 5


def test_bar(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal a bar says how far it is and how many lines a second that is."""
    shown = io.StringIO()
    monkeypatch.setattr(cli_import, "_is_terminal", lambda: True)
    monkeypatch.setattr(cli_import, "_console", lambda: Console(file=shown, force_terminal=True, width=120))
    file = data.parent / "access.log"
    file.write_text("".join(line(f"/{number % 5}") for number in range(3_000)), "utf-8")
    done = CliRunner().invoke(main, ["import-log", "shop", str(file), "--data", str(data), "--country", "FR"])
    assert done.exit_code == 0
    assert "access.log" in shown.getvalue() and "3,000 lines" in shown.getvalue() and "a second" in shown.getvalue()


def test_chunks() -> None:
    """A transaction is of as many lines as a service beside can wait for."""
    assert importing.CHUNK_LINES <= 1_000 and importing.CHUNK_EVENTS <= 256


AGENTS = (
    CHROME,
    CHROME.replace("Windows NT 10.0; Win64; x64", "X11; Linux x86_64"),
    CHROME.replace("Chrome/131.0.0.0", "Chrome/129.0.0.0"),
)
"""Alike for a count: Chrome on a desktop."""


def anybody(chance: random.Random) -> dict[str, str]:
    """Somebody who was not asked, or said no; how they differ is not to be seen in what is kept."""
    near = chance.choice(("198.51.100", "203.0.113", "192.0.2"))
    return {
        "address": f"{near}.{chance.randrange(256)}",
        "agent": chance.choice(AGENTS),
        "cookies": f"theme={chance.randbytes(4).hex()}; consent-visitor={chance.randbytes(40).hex()}",
        "query": f"?id={chance.randrange(10**9)}&mail={chance.randbytes(3).hex()}@mail.example",
    }


@pytest.mark.parametrize("seed", range(4))
def test_who_does_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """Two logs that differ only in who came without consent leave the same rows, and no trace of anybody."""
    monkeypatch.setattr(cli_import, "_now", lambda: NOW)
    steps = random.Random(seed)
    plan = [
        (steps.choice(("/a", "/b/c", "/d.css")), steps.randrange(5), steps.choice((200, 200, 404))) for _ in range(60)
    ]
    kept = []
    for run in (1, 2):
        data = tmp_path / str(run) / "data"
        data.parent.mkdir()
        publish(data)
        chance = random.Random(1_000 * seed + run)
        people = [anybody(chance) for _ in range(5)]
        text = ""
        for number, (path, who, status) in enumerate(plan):
            one = people[who]
            more = {name: one[name] for name in ("address", "agent", "cookies")}
            text += line(path + one["query"], status=status, ago=3 * DAY - 1_000 * number, **more)
        imported(data, text, "--cookies", "--country", "FR" if seed % 2 else "DE")
        tables = ("visitor", "session", "event", "rollup", "dropped", "forgotten", "uncounted")
        kept.append([rows(data, f"select * from {table}") for table in tables])  # as they lie in the file
        held = b"".join(path.read_bytes() for path in data.rglob("*") if path.is_file())
        for one in people:
            for trace in (one["address"], one["agent"], one["cookies"][6:14], one["query"][4:13]):
                assert trace.encode() not in held
    assert kept[0] == kept[1]
    assert bool(kept[0][3]) == bool(seed % 2)
