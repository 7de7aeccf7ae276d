"""The receipt that visitors download: ISO/IEC TS 27560 in terms of DPV, read offline, and back to what was recorded."""

import json
import random
import subprocess
from pathlib import Path
from typing import Any

import pytest
import rdflib
from pyld import jsonld
from rdflib.compare import to_isomorphic

from consent.ledger.leaf import verify_receipt
from tests.ledger.receipts import Logs

pytestmark = pytest.mark.filterwarnings("ignore:.*is deprecated, use Dataset:DeprecationWarning")  # rdflib's own

ROOT = Path(__file__).parents[2]
COMPOSE = f"""
import {{ composeReceipt, recordsOf }} from "{(ROOT / "widget/src/choices/receipt.js").as_uri()}";
let text = "";
for await (const part of process.stdin) text += part;
const {{ said, about }} = JSON.parse(text);
const receipt = composeReceipt(said, about);
console.log(JSON.stringify({{ receipt, records: recordsOf(receipt) }}));
"""
ABOUT = {
    "base": "https://consent.example.com",
    "controller": "The shop",
    "page": "https://shop.example/",
    "titles": {"statistics": "Statistics"},
    "services": [{"key": "count", "name": "Count", "purposes": ["statistics"]}],
}
STATES = {"statistics": "granted", "marketing": "denied", "social": "withdrawn"}
EVIDENCE = "urn:x-consent:evidence"
DPV = "https://w3id.org/dpv#"

#: What the receipt may use: a guard against terms that slip in, not the vocabulary. The statuses and `Purpose` stand
#: in `consent_status.ttl` and `purposes.ttl` of DPV 2.3; the others are those of the W3C guide's mapping to ISO/IEC TS
#: 27560. The two profiles are the guide's own addresses, and in no vocabulary (requirement RC-01).
TERMS = {
    "https://w3id.org/dpv#": {
        "ConsentRecord", "ConsentNotice", "ConsentGiven", "ConsentRefused", "ConsentWithdrawn", "ConsentRequested",
        "Purpose", "WithdrawConsent", "hasConsentControl", "hasConsentStatus", "hasDataSubject", "hasIndicationMethod",
        "hasLegalBasis", "hasApplicableLaw", "hasNotice", "hasProcess", "hasPurpose", "hasRecipient",
        "isExercisedAt", "isIndicatedAtTime", "isIndicatedBy",
    },
    "https://w3id.org/dpv/legal/eu/gdpr#": {"A6-1-a"},
    "https://w3id.org/dpv/legal/eu#": {"law-GDPR"},
    "https://w3id.org/dpv/schema/dpv-27560#": {"record", "receipt"},
}  # fmt: skip


@pytest.fixture(scope="module")
def said() -> list[dict[str, Any]]:
    """Two choices with their proofs."""
    logs = Logs(random.Random(27560))
    made = [logs.receipt() for _ in range(60)]
    return [one for one in made if one["record"]["purposes"]][:2]


@pytest.fixture(scope="module")
def composed(said: list[dict[str, Any]]) -> dict[str, Any]:
    return compose(said)


def compose(said: list[dict[str, Any]]) -> dict[str, Any]:
    """The receipt as the widget composes it, and the records it reads back."""
    given = json.dumps({"said": said, "about": ABOUT})
    command = ["node", "--input-type=module", "-e", COMPOSE]
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=True, timeout=30)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def nothing(url: str, _: Any) -> Any:
    raise AssertionError(f"{url} was to be fetched.")


def graph(receipt: dict[str, Any]) -> rdflib.Graph:
    return rdflib.Graph().parse(data=json.dumps(receipt), format="json-ld")


def test_each_purpose_has_a_record_of_its_own(said: list[dict[str, Any]]) -> None:
    """A choice in part is as many records as purposes, each with its own status, all parts of one receipt (RC-00)."""
    one = said[0] | {"record": said[0]["record"] | {"purposes": STATES}}
    found = graph(compose([one])["receipt"])
    parts = set(found.objects(None, rdflib.DCTERMS.hasPart))
    purpose = rdflib.URIRef(f"{DPV}hasProcess") / rdflib.URIRef(f"{DPV}hasPurpose") / rdflib.DCTERMS.identifier
    status = rdflib.URIRef(f"{DPV}hasConsentStatus") / rdflib.RDF.type
    kinds = {
        str(next(found.objects(one, purpose))): str(next(found.objects(one, status))).removeprefix(DPV) for one in parts
    }

    assert kinds == {"statistics": "ConsentGiven", "marketing": "ConsentRefused", "social": "ConsentWithdrawn"}
    assert len(set(found.subjects(rdflib.DCTERMS.hasPart))) == 1


def test_only_terms_that_exist(composed: dict[str, Any]) -> None:
    """The receipt uses no term of DPV but those listed here (RC-01)."""
    used = {str(term) for triple in graph(composed["receipt"]) for term in triple if "w3id.org/dpv" in str(term)}
    known = {space + name for space, names in TERMS.items() for name in names}

    assert used - known == set()
    assert len(used) > 15


def test_two_readers_see_the_same(composed: dict[str, Any]) -> None:
    """pyld and rdflib read the receipt without fetching anything, and to the same graph (RC-02)."""
    receipt = composed["receipt"]
    quads = jsonld.to_rdf(receipt, {"format": "application/n-quads", "documentLoader": nothing})
    one, other = rdflib.Graph().parse(data=quads, format="nquads"), graph(receipt)
    for found in (one, other):
        assert len(list(found.objects(None, rdflib.URIRef(EVIDENCE)))) == 1
        found.remove((None, rdflib.URIRef(EVIDENCE), None))  # a literal of JSON, which each spells in its own way

    assert to_isomorphic(one) == to_isomorphic(other)
    assert len(one) > 20


def test_the_way_back(composed: dict[str, Any], said: list[dict[str, Any]]) -> None:
    """What was recorded comes back from the receipt, from the file and from its expanded form alike (RC-03)."""
    (expanded,) = jsonld.expand(composed["receipt"], {"documentLoader": nothing})

    assert composed["records"] == [one["record"] for one in said]
    assert expanded[EVIDENCE][0]["@value"] == said


def test_it_is_checked_alone(composed: dict[str, Any]) -> None:
    """The evidence in a receipt verifies with nothing else at hand, and holds no record but this visitor's (RC-04)."""
    for one in composed["receipt"]["evidence"]:
        assert verify_receipt(one["record"], one["proof"], one["vkey"]).size > 0
        assert set(one) == {"record", "proof", "vkey"}
