"""The description and the service agree, tried with generated requests over a real connection."""

import asyncio
import json
import urllib.request
from typing import Any

import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.specs.openapi import checks

from consent.openapi.paths import PATHS
from tests.records.shop import ORIGIN
from tests.service.process import Service

WANTED: list[Any] = [
    schemathesis.checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]


def try_all(base: str) -> int:
    """Try every operation; the number of them."""
    with urllib.request.urlopen(f"{base}/openapi.json") as answer:
        schema: Any = schemathesis.openapi.from_dict(json.load(answer))
    operations = [found.ok() for found in schema.get_all_operations()]
    for operation in operations:
        try_one(operation, base)
    return len(operations)


def try_one(operation: Any, base: str) -> None:
    def judge(case: Any) -> None:
        answer = case.call(base_url=base, headers={"Origin": ORIGIN}, allow_redirects=False)
        case.validate_response(answer, checks=WANTED)

    tried = given(case=operation.as_strategy())(judge)
    settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))(tried)()


async def test_generated_requests_find_nothing(service: Service) -> None:
    """Requests made from the description, sound and unsound, get no fault and no answer that it does not have."""
    count = await asyncio.to_thread(try_all, f"http://127.0.0.1:{service.port}")

    assert count == sum(len(item.keys() - {"parameters"}) for item in PATHS.values())
    assert service.messages == ""
