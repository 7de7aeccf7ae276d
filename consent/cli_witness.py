"""`consent witness`: watching a log from outside, which is what makes its history hard to rewrite."""

import re
import time
from pathlib import Path
from platform import node

import click

from consent.cli import Friendly, _config, _say, _when, main, settings
from consent.db.place import secret
from consent.errors import Problem
from consent.ledger.cosign import Cosigner
from consent.ledger.epochs import look_at_all, place
from consent.ledger.errors import LedgerError
from consent.ledger.follow import Follower, Seen, rolled_back
from consent.ledger.memory import Memory
from consent.ledger.note import Vkey
from consent.ledger.standalone.verify import plain
from consent.web.fetch import fetch

STALE = 10
"""Looks at which an older head may be a copy that a cache still holds."""

_FOLDER = click.option(
    "--folder", type=click.Path(path_type=Path), default=Path("witness"), help="What is remembered (default: witness)."
)


@main.group(cls=Friendly)
def witness() -> None:
    """Witnesses: watching a log from outside."""


@witness.command("serve")
@click.option("--log", "logs", multiple=True, required=True, metavar="VKEY", help="The key of a log to cosign.")
@click.option("--name", help="Name in the cosignatures, fixed by the first start (default: this machine's, /witness).")
@click.option("--host", help="Address to listen on (default: 127.0.0.1).")
@click.option("--port", type=int, help="Port to listen on (default: 8000; 0 takes a free one).")
@_FOLDER
@settings
def witness_serve(
    *, logs: tuple[str, ...], name: str | None, host: str | None, port: int | None, folder: Path,
    data: Path | None, file: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Cosign logs: POST /add-checkpoint, as C2SP tlog-witness describes it.

    A checkpoint is cosigned only if it follows from the one before. Give the operator the line that this prints.
    """
    from consent.ledger.witness_routes import create_witness  # noqa: PLC0415  # the server's modules
    from consent.ledger.witnessing import Witness  # noqa: PLC0415
    from consent.web.protocol import Bounds  # noqa: PLC0415
    from consent.web.server import listen, run  # noqa: PLC0415

    config = _config(file, data, host=host, port=port)
    known: dict[str, list[Vkey]] = {}
    for vkey in _vkeys(logs, "--log"):
        known.setdefault(vkey.name, []).append(vkey)
    memory = Memory(folder)
    cosigner = _cosigner(folder, name)
    socket = listen(config.host, config.port)
    with socket:
        address = f"http://{config.host}:{socket.getsockname()[1]}"
        line = f"{address} {cosigner.vkey}"
        told = f'Witness of {", ".join(known)}. For the settings of the log:\n\nwitnesses = ["{line}"]'
        app = create_witness(Witness(cosigner, memory, known), config.networks)
        bounds = Bounds(trusted=config.networks)
        answer = {"url": address, "vkey": str(cosigner.vkey)}
        run(app, socket, bounds, config.log_level, lambda: _say(as_json, answer, told))


@witness.command("follow")
@click.argument("url")
@click.option("--vkey", "vkeys", multiple=True, help="The log's key (default: as the operator publishes it, once).")
@click.option("--every", type=click.IntRange(1, 86_400), default=60, help="Seconds between looks (default: 60).")
@click.option("--once", is_flag=True, help="Look once, and end.")
@_FOLDER
@settings
def witness_follow(
    *, url: str, vkeys: tuple[str, ...], every: int, once: bool, folder: Path,
    data: Path | None, file: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Watch a log at its public address, such as https://consent.example.com/log/install.

    Every head must be signed, and follow from the one seen before; all are kept in the folder. A later epoch must name
    the end of the former one. Ends with an error when the log was rewritten or rolled back.
    """
    url = url.rstrip("/")
    memory = Memory(folder)
    _vkeys(vkeys, "--vkey")
    stale = 0
    while True:
        try:
            seen = _look(url, vkeys, memory)
        except OSError as error:
            if once:
                raise Problem("log_unreachable", f"{url} cannot be read: {error}.", "Try again later.") from error
            click.echo(f"{_when(time.time_ns() // 1_000_000)}  {url} cannot be read now: {error}", err=True)
        except Problem as problem:
            stale += 1
            if problem.code != "log_rolled_back" or stale >= (1 if once else STALE):
                raise
        else:
            stale = stale + 1 if seen.stale else 0
            if stale >= (1 if once else STALE):
                raise rolled_back(seen)
            _tell(seen, as_json)
        if once:
            return
        time.sleep(every)


def _look(url: str, given: tuple[str, ...], memory: Memory) -> Seen:
    """Look at the newest epoch, and at what leads to it, by the keys given, else by those pinned."""

    def look(address: str, told: list[str]) -> Seen:
        names = {one.split("+", 1)[0] for one in told}
        ours = [vkey for vkey in given if vkey.split("+", 1)[0] in names]
        return _look_at(address, ours or (list(given) if address == url else []), told, memory)

    return look_at_all(place(url), memory, fetch, look)


def _look_at(address: str, given: list[str], told: list[str], memory: Memory) -> Seen:
    """Look at one epoch; the operator may have added a key to those pinned, or begun an epoch, which is told."""
    known = given or memory.pinned(address) or told
    try:
        seen = Follower(address, _vkeys(known, "--vkey"), memory, fetch).look()
    except Problem as problem:
        if given or problem.code != "log_unsigned" or not set(known) < set(told):
            raise
        added = ", ".join(set(told) - set(known))
        click.echo(plain(f"The operator has added a key to those of {address}: {added}"), err=True)
        known = told
        seen = Follower(address, _vkeys(known, "--vkey"), memory, fetch).look()
    if known != memory.pinned(address) and not given:
        memory.pin(address, known)
        click.echo(plain(f"The log at {address} is signed by {', '.join(known)}"), err=True)
    return seen


def _tell(seen: Seen, as_json: bool) -> None:
    now = time.time_ns() // 1_000_000
    grown = f"{seen.before} before, and it begins with them" if seen.before else "seen for the first time"
    if seen.stale:
        grown = f"{seen.before} before: an older copy of the same log"
    origin = plain(seen.origin)
    answer = {"time": now, "origin": origin, "size": seen.size, "before": seen.before, "stale": seen.stale}
    _say(as_json, answer, f"{_when(now)}  {origin}: {seen.size} leaves ({grown})")


def _vkeys(lines: tuple[str, ...] | list[str], option: str) -> list[Vkey]:
    try:
        return [Vkey.parse(line) for line in lines]
    except LedgerError as error:
        remedy = f"Give {option} the line NAME+ID+KEY that the operator publishes."
        raise Problem("vkey", f"A key does not read: {error}", remedy) from error


def _cosigner(folder: Path, name: str | None) -> Cosigner:
    """The key in the folder, made by the first start."""
    path = folder / "witness.key"
    usual = re.sub(r"[^A-Za-z0-9.-]+", "-", node()) or "witness"
    try:
        cosigner = Cosigner.parse(secret(path, Cosigner.generate(name or f"{usual}/witness").line + "\n"))
    except (LedgerError, OSError) as error:
        remedy = "Put it back, or choose another name."
        raise Problem("vkey", f"The witness's key in {path} does not read: {error}", remedy) from error
    if name not in (None, cosigner.vkey.name):
        remedy = "Leave --name out, or take another folder: what was cosigned bears that name."
        raise Problem("vkey", f"The witness in {folder} is called {cosigner.vkey.name}.", remedy)
    return cosigner
