"""A finding: what is wrong with a policy, where, and what to do about it."""

from collections.abc import Sequence
from typing import Literal

import msgspec

from consent.errors import Problem


class Finding(msgspec.Struct, frozen=True):
    """One fault or doubt. An `error` stops publishing; a `warning` is for a person to judge."""

    path: str  # services.youtube.reason
    message: str  # one sentence: what is wrong, and why that matters
    remedy: str  # one sentence: what to do
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        return f"{self.path or 'policy'}: {self.message} {self.remedy}"


def warning(path: str, message: str, remedy: str) -> Finding:
    """A finding that stops nothing."""
    return Finding(path, message, remedy, "warning")


class PolicyError(Problem):
    """A policy cannot be used; `findings` says everything that is wrong with it, not only the first thing."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        count = len(self.findings)
        super().__init__(
            "policy",
            f"The policy has {count} fault{'' if count == 1 else 's'}.",
            f"{self.findings[0]}" if count == 1 else "Mend each of them.",
            field=self.findings[0].path or None if count else None,
            extra={"findings": msgspec.to_builtins(self.findings)},
        )

    def __str__(self) -> str:
        return "\n".join(str(finding) for finding in self.findings)
