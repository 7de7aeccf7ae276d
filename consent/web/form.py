"""A form's fields, read within bounds; no files, no multipart."""

from urllib.parse import parse_qsl

from starlette.requests import Request

from consent.errors import Problem
from consent.web.body import read_body

MAX_BODY = 16_384
"""Bytes of a form, unless a page allows more."""

MAX_FIELDS = 200

KIND = "application/x-www-form-urlencoded"


async def read_form(request: Request, limit: int = MAX_BODY) -> dict[str, str]:
    """The fields by name; of a name that comes twice, the last. Raises Problem, TooLarge among them."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != KIND:
        remedy = f"Send it as {KIND}."
        raise Problem("media_type", "The body is of a kind that is not read here.", remedy, status=415)
    body = await read_body(request.receive, limit)
    try:
        pairs = parse_qsl(
            body.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS
        )  # fmt: skip
    except ValueError as error:
        raise Problem("form", "The form cannot be read.", "Send it from its page.", status=400) from error
    return {name: value.replace("\r\n", "\n") for name, value in pairs}
