"""Every error a person can meet, once. Each says what happened and what to do next."""

from collections.abc import Mapping
from typing import Any


class Problem(Exception):  # noqa: N818  # the room's word for it; its kinds are named after what is wrong
    """Something went wrong that the person asking can understand and mend.

    Args:
        code: a stable word for programs, `snake_case`.
        message: one sentence, what happened.
        remedy: one sentence, what to do next.
        status: the HTTP status of its JSON face.
        headers: further HTTP headers of that answer.
        field: path of the offending value, where there is one.
        extra: further members of the JSON face.
    """

    status = 422

    def __init__(
        self,
        code: str,
        message: str,
        remedy: str,
        *,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
        field: str | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.remedy = remedy
        self.status = type(self).status if status is None else status
        self.headers = dict(headers or {})
        self.field = field
        self.extra = dict(extra or {})

    def face(self) -> dict[str, Any]:
        """The JSON members of the answer: error, message, remedy, where known field, and what the error adds."""
        face: dict[str, Any] = {"error": self.code, "message": self.message, "remedy": self.remedy}
        if self.field is not None:
            face["field"] = self.field
        return face | self.extra

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}"


class ConfigError(Problem):
    """A setting has an unknown name, a wrong type or an impossible value; `field` is its path."""

    def __init__(self, field: str, message: str, remedy: str) -> None:
        super().__init__("config", message, remedy, field=field)


class StoreError(Problem):
    """The store cannot be opened, read or written. Nothing of what was asked was done."""

    status = 503

    def __init__(self, code: str, message: str, remedy: str) -> None:
        super().__init__(code, message, remedy, headers={"Retry-After": "5"})


class ContradictionError(StoreError):
    """What was to be written contradicts what is there: a key that is taken, a row it refers to that is gone."""

    def __init__(self, message: str) -> None:
        super().__init__("store_contradiction", message, "Look at what is stored, then decide anew.")


class LogRefused(Problem):  # the room's word
    """A log of the ledger must not grow: it would contradict itself. Other sites' logs are not concerned."""

    status = 503


class NotFound(Problem):
    """There is nothing of that name."""

    status = 404


class Unauthorized(Problem):
    """No credentials, or none that hold."""

    status = 401

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__("unauthorized", message, remedy, headers={"WWW-Authenticate": "Bearer"})


class Forbidden(Problem):
    """Who asks may not do this."""

    status = 403


class Conflict(Problem):
    """What was sent contradicts what is stored."""

    status = 409


class TooLarge(Problem):
    """The request's body is over its limit."""

    def __init__(self, limit: int) -> None:
        super().__init__(
            "too_large",
            f"The body is larger than {limit:,} bytes.",
            "Send less.",
            status=413,
        )


class TooMany(Problem):
    """A rate limit was reached; `wait` is in whole seconds, at least one."""

    def __init__(self, wait: int) -> None:
        super().__init__(
            "too_many",
            "Too many requests came from this place or for this site.",
            f"Wait {wait} seconds and send the same request again.",
            status=429,
            headers={"Retry-After": str(wait)},
        )


class Unavailable(Problem):
    """The service cannot do this now; nothing was recorded for certain, the same request may be sent again."""

    def __init__(self, message: str, wait: int = 5) -> None:
        super().__init__(
            "unavailable",
            message,
            f"Send the same request again in {wait} seconds; its key makes that safe.",
            status=503,
            headers={"Retry-After": str(wait)},
        )
