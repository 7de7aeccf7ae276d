"""docs/reference.md names all that there is, and nothing that is not."""

import re
from collections import Counter
from pathlib import Path

import click
import pytest
from starlette.routing import Route

from consent.accounts import door
from consent.app import create_app
from consent.cli import main
from consent.config import FIELDS, PREFIX, Config
from consent.delivery import shown as counting
from consent.delivery.body import SHELF_BYTES
from consent.policy.policy import ChoiceCookie
from consent.policy.reading import MAX_BYTES
from consent.records import claim, commit, limits, question
from consent.web.protocol import Bounds
from consent.web.server import STOP_SECONDS
from tests.docs import browser, faults
from tests.docs.page import Row, names, read, section, tables

TEXT = read("reference.md")


def once(found: list[str]) -> set[str]:
    """The names as a set; none may stand there twice."""
    assert [name for name, count in Counter(found).items() if count > 1] == []
    return set(found)


def shown(value: object) -> str:
    """A default as the page writes it: as in TOML."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple):
        return f"`{list(value)}`"
    return f'`"{value}"`' if isinstance(value, str | Path) else f"`{value}`"


def test_every_setting_is_described() -> None:
    """Each setting has its row with the variable that sets it and its default, and there is no row of another."""
    [rows] = tables(section(TEXT, "## Settings"))

    assert once(names(rows)) == FIELDS.keys()
    for row in rows:
        name = names([row])[0]
        assert row[1] == f"`{PREFIX}{name.upper()}`"
        assert row[2] == shown(getattr(Config(), name)), name


def leaves(group: click.Group, path: tuple[str, ...] = ("consent",)) -> dict[str, click.Command]:
    """Every command that does something, by its words."""
    found: dict[str, click.Command] = {}
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            found |= leaves(command, (*path, name))
        else:
            found[" ".join((*path, name))] = command
    return found


def parameters(command: click.Command) -> set[str]:
    """Options by every spelling, arguments as the help has them."""
    spelled = [one.opts if isinstance(one, click.Option) else [one.human_readable_name] for one in command.params]
    return {name for names_ in spelled for name in names_}


COMMANDS = leaves(main)


def test_every_command_is_described() -> None:
    """The page has a heading for each command, and none for another."""
    assert once(re.findall("^### (consent .*)$", TEXT, re.M)) == COMMANDS.keys()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_described(name: str) -> None:
    """Each option and argument of a command stands in its table, or among those that all commands have."""
    common = names(tables(section(TEXT, "## Commands"))[0])
    own = [row for table in tables(section(TEXT, f"### {name}")) for row in table]

    assert once(names(own) + common) == parameters(COMMANDS[name])
    for option in COMMANDS[name].params:
        if isinstance(option.type, click.Choice):
            [row] = [row for row in own if names([row]) == option.opts]
            assert [one for one in option.type.choices if f"`{one}`" not in row[1]] == []


def test_every_command_takes_the_common_options() -> None:
    """What the page says that every command takes, every command takes."""
    common = set(names(tables(section(TEXT, "## Commands"))[0]))

    assert [name for name, command in COMMANDS.items() if not common <= parameters(command)] == []


async def test_every_address_is_described(tmp_path: Path) -> None:
    """The table of addresses has each method and path that the running service answers, and no other."""
    app = create_app(Config(data=tmp_path))
    async with app.router.lifespan_context(app):
        there = {
            (method, re.sub(r":\w+}", "}", route.path))
            for route in app.router.routes
            if isinstance(route, Route)
            for method in (route.methods or set()) - {"HEAD"}
        }
    [rows, *_] = tables(section(TEXT, "## Addresses"))

    told = [(row[0], names([row], 1)[0]) for row in rows]
    assert once([" ".join(one) for one in told]) == {" ".join(one) for one in there}


def error_rows() -> list[Row]:
    [rows] = tables(section(TEXT, "## Errors"))
    return rows


def test_every_error_is_described() -> None:
    """Each code that the source can raise has its row, and there is no row of another."""
    assert once(names(error_rows())) == faults.declared().keys()


def test_errors_have_their_status() -> None:
    """Where the page gives a status, it is the one that the source gives."""
    declared = faults.declared()
    wrong = [row for row in error_rows() if row[1] and not declared[names([row])[0]] & {int(row[1]), None}]

    assert wrong == []


def test_errors_of_addresses_exist() -> None:
    """The errors that an address names are errors."""
    [rows, *_] = tables(section(TEXT, "## Addresses"))
    told = {code for row in rows for code in re.findall("`(\\w+)`", row[3])}

    assert told - faults.declared().keys() == set()


BOUNDS = Bounds()
LIMITS = [
    BOUNDS.head, BOUNDS.headers, BOUNDS.url, BOUNDS.body, BOUNDS.receipt, BOUNDS.answer, claim.MAX_BODY, limits.NETWORK,
    door.GUESSES, commit.WAITING, commit.OVERDUE, question.MAX_PAGE, MAX_BYTES, SHELF_BYTES, STOP_SECONDS,
    counting.MAX_BODY, counting.MOST,
]  # fmt: skip


@pytest.mark.parametrize("limit", LIMITS)
def test_limits_are_told_as_they_are(limit: float) -> None:
    """The table of limits has the number that the source has."""
    assert re.search(rf"(?<![\d,]){limit:,.0f}(?![\d,])", section(TEXT, "### Limits"))


def test_everything_kept_in_the_browser_is_described() -> None:
    """Cookies and storage keys of the widget stand in the table, and no others."""
    [rows] = tables(section(TEXT, "## What the browser keeps"))

    assert once(names(rows, 1)) == browser.kept() | {ChoiceCookie().name}


def test_the_interface_in_the_page_is_described() -> None:
    """Members of window.consent and types of its events stand in their tables, and no others."""
    members, types, events = tables(section(TEXT, "## window.consent"))

    assert once(names(members)) == {
        next(name for name in names(members) if re.fullmatch(rf"consent\.{one}(\(.*\))?", name))
        for one in browser.members()
    }
    assert browser.queued() <= browser.members()
    assert once(names(types)) == browser.store_events()
    assert once(names(events)) == browser.document_events()


def test_markup_is_described() -> None:
    """Attributes for the page's elements, elements of the widget and the values of its buttons are all named."""
    markup = section(TEXT, "## In your markup")
    attributes, elements = tables(markup)

    assert once(names(attributes)) == browser.marks() | {
        'type="text/plain"',
        'data-consent="open"',
        'data-consent="choices"',
        "data-consent-reload",
        "data-consent-debug",
    }
    assert once(names(elements)) == {f"<{name}>" for name in browser.elements()}
    last = markup[markup.rindex("`data-consent`:") :]
    assert set(names([[part] for part in last.split(",")])) - {"data-consent"} <= browser.actions()
    assert [name for name in browser.actions() if f"`{name}`" not in last] == []
