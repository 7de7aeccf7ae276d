"""What `consent restore` and `consent retention` tell a person."""

from pathlib import Path

import pytest

from tests.test_cli import Terminal


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    """A terminal with a shop, and a backup of it."""
    made = Terminal(tmp_path)
    made.run("site", "add", "shop")
    made.run("backup", str(tmp_path / "backup"))
    return made


def test_what_is_to_be_put_back(terminal: Terminal, tmp_path: Path) -> None:
    """Of keys, tokens and secret those are named that are not in the new data folder, and nothing where all are."""
    told = []
    for name, there in (("empty", []), ("half", ["secret"]), ("whole", ["keys", "secret", "tokens"])):
        data = tmp_path / name
        data.mkdir()
        for one in there:
            (data / one).write_text("x") if one == "secret" else (data / one).mkdir()
        told.append(terminal.run("restore", str(tmp_path / "backup"), "--data", str(data)))

    assert "before the service starts: keys, tokens, secret." in told[0]
    assert "before the service starts: keys, tokens." in told[1]
    assert "before the service starts" not in told[2]


def test_a_dry_run_deletes_nothing(terminal: Terminal) -> None:
    """With --dry-run it is said that nothing was deleted; without it how many records were."""
    assert "Nothing was deleted." in terminal.run("retention", "shop", "--dry-run")
    assert "0 records were deleted." in terminal.run("retention", "shop")
