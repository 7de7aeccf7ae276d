"""Where the data lives."""

import subprocess
import sys
from pathlib import Path

import pytest

from consent.db import place
from consent.errors import StoreError

MOUNTS = """\
/dev/root / ext4 rw 0 0
proc /proc proc rw 0 0
server:/export /srv/share nfs4 rw 0 0
/dev/sdb /srv/share/local\\040disk xfs rw 0 0
"""


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/home/me/data", "ext4"),
        ("/srv/share/data", "nfs4"),
        ("/srv/shared", "ext4"),
        ("/srv/share/local disk/data", "xfs"),
    ],
)
def test_the_file_system_of_a_folder(folder: str, kind: str) -> None:
    """The deepest mount point above the folder says its file system."""
    assert place.file_system(Path(folder), MOUNTS) == kind
    assert place.file_system(Path(folder), "") == ""


def test_a_folder_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    """The data folder is made with its parents and is nobody else's to read."""
    place.prepare(tmp_path / "a" / "data")

    assert (tmp_path / "a" / "data").stat().st_mode & 0o777 == 0o700


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    """A file in the way is said to the person, with the option to name another folder."""
    (tmp_path / "data").write_text("")

    with pytest.raises(StoreError, match="--data"):
        place.prepare(tmp_path / "data")


def test_a_network_file_system_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where locks cannot be relied on the service does not start."""
    monkeypatch.setattr(place, "_mounts", lambda: f"server:/x {tmp_path} nfs rw 0 0\n")

    with pytest.raises(StoreError, match="network file system"):
        place.prepare(tmp_path / "data")


def test_a_folder_serves_one_service(tmp_path: Path) -> None:
    """A second holder is refused, in this process and in another; a process that ends frees the folder."""
    program = f"from pathlib import Path; from consent.db.place import Hold; Hold(Path({str(tmp_path)!r}))"
    held = place.Hold(tmp_path)

    with pytest.raises(StoreError, match="Another service"):
        place.Hold(tmp_path)
    assert (
        b"Another service" in subprocess.run([sys.executable, "-c", program], capture_output=True, check=False).stderr
    )
    held.release()
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
    place.Hold(tmp_path).release()


def test_a_secret_that_is_there_is_kept(tmp_path: Path) -> None:
    """Whoever comes second reads what the first wrote."""
    assert place.secret(tmp_path / "a/secret", "first") == "first"
    assert place.secret(tmp_path / "a/secret", "second") == "first"
    assert (tmp_path / "a/secret").stat().st_mode & 0o777 == 0o600
