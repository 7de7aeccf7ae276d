"""`consent serve`, as a process."""

import asyncio
import json
import os
import re
import socket
import sqlite3
import subprocess
import sys
import urllib.request
from pathlib import Path

from tests.records.shop import config_in, shop_in
from tests.test_cli import Terminal
from tests.test_cli_account import set_password


def start(folder: Path, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    command = [str(Path(sys.executable).with_name("consent")), "serve", "--port", "0", *arguments]
    return subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def stop(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    assert process.stderr is not None
    process.terminate()
    with process:
        out, err = process.stdout.read(), process.stderr.read()
    assert process.returncode == 0
    assert err == ""
    return out


def test_what_it_tells(tmp_path: Path) -> None:
    """The demo's page first, then the log with a line to read it, then the lines to paste, in plain text."""
    process = start(tmp_path)
    assert process.stdout is not None
    first = process.stdout.readline()
    found = re.fullmatch(r"Demo page  (http://127\.0\.0\.1:(\d+))/demo/\n", first)
    assert found, first
    with socket.create_connection(("127.0.0.1", int(found[2])), 5) as line:  # it listens when it says so
        line.sendall(b"GET /demo/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert line.recv(16).startswith(b"HTTP/1.1 200 OK")
    rest = stop(process)

    account, _, log, *_ = rest.splitlines()
    assert re.fullmatch(rf"Account    {found[1]}/account/link/[A-Za-z0-9_-]{{43}}", account)
    assert log == f"Log        {found[1]}/v1/demo/log"
    token = (tmp_path / "data/tokens/demo").read_text()
    assert f"curl -H 'Authorization: Bearer {token}' {found[1]}/v1/demo/log" in rest
    assert "<script>" in rest
    assert "\x1b" not in first + rest


def test_other_commands_know_where_it_listens(tmp_path: Path) -> None:
    """With a port that the system chose, what `consent snippet` prints leads to the service, and after it too."""
    process = start(tmp_path, "--json")
    assert process.stdout is not None
    told = json.loads(process.stdout.readline())
    terminal = Terminal(tmp_path)
    printed = terminal.read("snippet", "demo")["text"]
    url = terminal.run("snippet", "demo", "--variant", "tag").partition('src="')[2].partition('"')[0]
    with urllib.request.urlopen(url) as answer:
        script = answer.read()
    stop(process)

    assert printed == told["snippet"]
    assert url == told["demo"].replace("/demo/", "/c/demo.js")
    assert script.startswith(b"/*consent*/")
    assert terminal.read("snippet", "demo")["text"] == printed


def test_a_second_start_keeps_the_data(tmp_path: Path) -> None:
    """Another port is another address of the demo, and nothing else changes: same token, same store."""
    told = []
    for _ in range(2):
        process = start(tmp_path, "--json")
        assert process.stdout is not None
        told.append(json.loads(process.stdout.readline()))
        stop(process)

    assert told[0]["logs"][0]["token"] == told[1]["logs"][0]["token"]
    assert "figures" not in told[1]
    store = sqlite3.connect(tmp_path / "data/consent.sqlite")
    assert store.execute("select key from site").fetchall() == [("demo",)]
    store.close()


def test_who_has_an_owner_is_told_where_figures_are(tmp_path: Path) -> None:
    """Once somebody owns the service no link to make an account is printed, but where one signs in."""
    Terminal(tmp_path).run("account", "add", "ann@shop.example", "--role", "owner")
    set_password(Terminal(tmp_path), "ann@shop.example")
    process = start(tmp_path)
    assert process.stdout is not None
    found = re.fullmatch(r"Demo page  (\S+)/demo/\n", process.stdout.readline())
    rest = stop(process)

    assert found
    assert rest.startswith(f"Figures    {found[1]}/sites/\n")
    assert "/account/link/" not in rest


def test_a_store_with_a_site_gets_no_demo(tmp_path: Path) -> None:
    """The demo is for who has nothing yet."""
    asyncio.run(shop_in(config_in(tmp_path)))
    process = start(tmp_path, "--json")
    assert process.stdout is not None
    told = json.loads(process.stdout.readline())
    stop(process)

    assert [log["site"] for log in told["logs"]] == ["shop"]
    assert "demo" not in told
    assert told["snippet_of"] == "shop"


def refused(folder: Path, *arguments: str, **environment: str) -> str:
    process = start(folder, *arguments, **environment)
    out, err = process.communicate(timeout=15)
    assert process.returncode == 2
    assert out == ""
    assert "Traceback" not in err
    return err


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    """Somebody else listens there: said before anything is started."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        err = refused(tmp_path, "--port", str(other.getsockname()[1]))

    assert "cannot listen on 127.0.0.1" in err
    assert "--port" in err


def test_a_folder_that_cannot_be_used(tmp_path: Path) -> None:
    """A file in its place, a foreign database in it, or another service on it."""
    (tmp_path / "file").write_text("")
    (tmp_path / "foreign").mkdir()
    foreign = sqlite3.connect(tmp_path / "foreign/consent.sqlite")
    foreign.execute("create table theirs (id integer)")
    foreign.close()
    process = start(tmp_path)
    assert process.stdout is not None
    process.stdout.readline()

    assert "cannot be written" in refused(tmp_path, "--data", "file")
    assert "another program" in refused(tmp_path, "--data", "foreign")
    assert "Another service is using" in refused(tmp_path)
    stop(process)


def test_settings_that_are_wrong(tmp_path: Path) -> None:
    """Unknown settings and places that are no database are told."""
    assert "Did you mean CONSENT_PORT?" in refused(tmp_path, CONSENT_PROT="1")
    assert "geo_database" in refused(tmp_path, CONSENT_GEO_DATABASE="none.mmdb")


def test_the_log_is_read_while_it_runs(tmp_path: Path) -> None:
    """Other commands use the store beside the service, and the service takes up what they publish."""
    process = start(tmp_path)
    assert process.stdout is not None
    process.stdout.readline()
    terminal = Terminal(tmp_path)

    assert terminal.read("log", "demo") == {"records": [], "next": None}
    terminal.run("policy", "publish", terminal.policy())
    assert [site["site"] for site in terminal.read("site", "list")["sites"]] == ["demo", "shop"]
    stop(process)
