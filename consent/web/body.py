"""Reading a request's body: counted while it streams, never more in memory than its limit."""

from starlette.types import Receive

from consent.errors import TooLarge


class Gone(Exception):  # noqa: N818  # not an error of anyone's: the client went away, and nobody waits for an answer
    """The client left before its request was complete."""


async def read_body(receive: Receive, limit: int) -> bytes:
    """The body, of at most `limit` bytes.

    What comes beyond the limit is read and dropped, so that a client which writes before it reads hears the answer; the
    connection itself ends what is far beyond (`web/protocol.py`). Raises TooLarge, or Gone when the client left.
    """
    body, size = b"", 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        part = message.get("body", b"")
        size += len(part)
        if size <= limit:
            body = body + part if body else part
        if not message.get("more_body", False):
            if size > limit:
                raise TooLarge(limit)
            return body
