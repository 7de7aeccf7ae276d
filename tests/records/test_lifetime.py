"""For how many days a choice holds, here and in the browser."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from consent.records.lifetime import lifetime
from consent.regimes.regime import load_regimes
from consent.web.setcookie import MAX_AGE
from tests.policy.site import resolved

ROOT = Path(__file__).parents[2]
VECTORS = json.loads((ROOT / "tests/vectors/lifetime.json").read_text())
TWIN = """
import { lifetime } from "./widget/src/rules.js";
let text = "";
for await (const part of process.stdin) text += part;
const { regimes, cases } = JSON.parse(text);
const law = (one) => ({ ...regimes[one.regime], key: one.regime });
console.log(JSON.stringify(cases.map((one) => lifetime({ days: one.days, purposes: [] }, law(one), one))));
"""


def lasts(case: dict[str, Any], **laws: str) -> int:
    regimes = "".join(f"{name} = {value}\n" for name, value in laws.items())
    made = resolved(f"[regimes]\n{regimes}", origins=f'origins = ["https://www.shop.example"]\ndays = {case["days"]}')
    grants = "g" in (*case["purposes"].values(), *case["services"].values())
    return lifetime(made, case["regime"], grants=grants)


@pytest.mark.parametrize("case", VECTORS["cases"], ids=str)
def test_vectors(case: dict[str, Any]) -> None:
    """A grant holds as the policy says; a refusal, and all under an opt-out law, no shorter than the law asks."""
    assert lasts(case) == case["lasts"]
    assert case["lasts"] * 86_400 <= MAX_AGE


def test_the_browsers_twin() -> None:
    """The widget's own function says the same of the same choices."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    command = [node, "--input-type=module", "-e", TWIN]
    done = subprocess.run(command, cwd=ROOT, input=json.dumps(VECTORS), capture_output=True, text=True, check=True)

    assert json.loads(done.stdout) == [case["lasts"] for case in VECTORS["cases"]]


def test_the_vectors_know_the_laws() -> None:
    """Their regimes are those of the software."""
    laws = load_regimes().values()

    assert VECTORS["regimes"] == {law.key: {"model": law.model, "reask_days": law.reask_days} for law in laws}


@pytest.mark.parametrize(
    ("regime", "laws", "days"),
    [
        ("us", {"enabled": '["eu"]'}, 180),
        ("mars", {}, 180),
        ("mars", {"enabled": '["eu", "us"]', "default": '"us"'}, 365),
        ("us", {"enabled": '["eu", "us"]'}, 365),
    ],
)
def test_a_law_that_the_site_does_not_follow(regime: str, laws: dict[str, str], days: int) -> None:
    """The site's default counts instead, as in the browser."""
    assert lasts({"regime": regime, "days": 30, "purposes": {"statistics": "d"}, "services": {}}, **laws) == days
