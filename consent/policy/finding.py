"""A finding: what is wrong with a policy, where, and what to do about it."""

from collections.abc import Sequence
from typing import Literal

import msgspec


class Finding(msgspec.Struct, frozen=True):
    """One fault or doubt. An `error` stops publishing; a `warning` is for a person to judge."""

    path: str  # services.youtube.reason
    message: str  # one sentence: what is wrong, and why that matters
    remedy: str  # one sentence: what to do
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        return f"{self.path}: {self.message} {self.remedy}"


class PolicyError(Exception):
    """A policy cannot be used; `findings` says everything that is wrong with it, not only the first thing."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__("\n".join(str(finding) for finding in self.findings))
