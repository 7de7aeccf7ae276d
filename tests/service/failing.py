"""`consent serve` whose next commit fails to sync, once: as long as the file that FAIL names is there."""

import os
import sqlite3
from pathlib import Path

from consent.cli import main
from consent.db import writing

_commit = writing.commit


def commit(connection: sqlite3.Connection) -> None:
    """Fail as SQLite does when the disk did not take what was written."""
    ordered = Path(os.environ["FAIL"])
    if ordered.exists():
        ordered.unlink()
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = sqlite3.SQLITE_IOERR_FSYNC
        raise error
    _commit(connection)


writing.commit = commit
if __name__ == "__main__":
    main()
