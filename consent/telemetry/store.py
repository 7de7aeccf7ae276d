"""The file of the visitors' log: beside the store of records, with a writer of its own."""

from consent.config import Config
from consent.db import Database
from consent.db.migration import shipped
from consent.db.sqlite import open_sqlite


async def open_telemetry(config: Config) -> Database:
    """Open it, made where there is none. Commits may be lost when the power goes, and nothing else: it stays whole.

    Raises StoreError.
    """
    return await open_sqlite(config.telemetry_store, migrations=shipped("consent.telemetry"), synchronous=1)
