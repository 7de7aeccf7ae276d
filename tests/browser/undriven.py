"""Chromium with nobody attached. With a debugger it prerenders nothing, and shows every tab as if it were in front.

What it does its pages do by themselves, when they are told to (`Diary.cue`); what it did is what arrived.
"""

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from tests.browser.chromium import Chromium


@contextlib.asynccontextmanager
async def undriven(chromium: Chromium, url: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A browser with a fresh profile that opens a page. It ends with the block, if it was not ended before."""
    folder = Path(tempfile.mkdtemp(prefix="consent-undriven-"))
    quiet = asyncio.subprocess.DEVNULL
    command = [*chromium.command(folder), url]
    child = await asyncio.create_subprocess_exec(*command, stdin=quiet, stdout=quiet, stderr=quiet)
    try:
        yield child
    finally:
        with contextlib.suppress(ProcessLookupError):
            child.terminate()
        await child.wait()
        shutil.rmtree(folder, ignore_errors=True)
