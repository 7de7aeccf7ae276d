"""What is seen of an answer on its way: its status, whether it is a page, and how long it took."""

from types import SimpleNamespace
from typing import Any

import pytest

from consent.telemetry import watch
from consent.telemetry.watch import Watch


async def sent(*messages: Any) -> Watch:
    """An answer that was sent to nobody."""

    async def nowhere(_: Any) -> None:
        pass

    made = Watch(nowhere)
    for message in messages:
        await made.send(message)
    return made


def begins(status: int, kind: str = "text/html; charset=utf-8") -> dict[str, Any]:
    headers = [(b"Content-Type", kind.encode())] if kind else []
    return {"type": "http.response.start", "status": status, "headers": headers}


@pytest.mark.parametrize(
    ("status", "kind", "path", "page"),
    [
        (200, "text/html; charset=utf-8", "/a", True),
        (404, "application/xhtml+xml", "/a", True),
        (200, "application/json", "/a", False),
        (303, "text/html", "/a", False),
        (304, "", "/a", True),
        (304, "", "/a.css", False),
        (200, "", "/a", False),
    ],
)
async def test_pages(status: int, kind: str, path: str, page: bool) -> None:
    """Pages are told by their type, and by their path where nothing was sent anew; redirections are none."""
    answer = await sent(begins(status, kind))
    assert (answer.status, answer.is_page(path)) == (status, page)


async def test_nothing_sent() -> None:
    """An application that fails before it answers has a page that says so."""
    answer = await sent()
    assert (answer.status, answer.is_page("/")) == (500, True)


async def test_duration(monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends when the last piece was sent, whatever is done after that."""
    times = iter([100.0, 100.25, 100.5, 107.0])
    monkeypatch.setattr(watch, "time", SimpleNamespace(monotonic=lambda: next(times)))
    answer = await sent(begins(200), {"type": "http.response.body", "body": b"x"})
    assert answer.took() == answer.took() == 500
