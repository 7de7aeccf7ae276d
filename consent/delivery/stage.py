"""A stored notice on a stage: the stored code runs with the stored data in a frame that can reach nothing. Pure."""

import hashlib
import json
from base64 import b64encode
from collections.abc import Mapping
from html import escape
from typing import Any

import msgspec

from consent.delivery.bundle import MARK
from consent.delivery.fill import fill
from consent.policy.notice_queries import Code

#: What ends or reopens a script element; the code as built holds none of it.
_BREAKS = ("</script", "<!--", "<script")

#: Stands in for the core (docs/formats.md, section 2): every script is in the frame already, and nothing is stored. A
#: frame takes the focus only once somebody has clicked in it, or the page around it would scroll there.
_CORE = """
const { focus } = HTMLElement.prototype;
const { showModal } = HTMLDialogElement.prototype;
const pressed = () => navigator.userActivation?.hasBeenActive;
HTMLElement.prototype.focus = function (options) {
  if (pressed()) focus.call(this, options);
};
HTMLDialogElement.prototype.showModal = function () {
  this.inert = !pressed();
  showModal.call(this);
  this.inert = false;
};
window.consent = {
  q: [["show", [LAYER]]],
  core: { v: 1, key: "", list: "", violations: [], nonce: "", late: true, async load(name) {
    const script = document.createElement("script");
    script.textContent = document.getElementById(name).textContent;
    document.head.append(script);
  } },
};
"""

_STYLE = (
    "html{background:#e8e8e8}body{min-height:36rem;margin:0}@media(prefers-color-scheme:dark){html{background:#333}}"
)


class Scene(msgspec.Struct, frozen=True):
    """One frame: which layer, as visitors under which laws saw it, and the document."""

    layer: int
    model: str
    laws: tuple[str, ...]
    document: str


class Stage(msgspec.Struct, frozen=True):
    """Every frame of a notice, and the sources of script and style that a page with them must let run."""

    scenes: tuple[Scene, ...]
    scripts: tuple[str, ...]
    styles: tuple[str, ...]


def stage(body: Mapping[str, Any], code: Code) -> Stage:
    """The frames of a notice of kind `layers`: both layers, once for each model of law that the site follows.

    Raises ValueError where the code does not have the hash that the notice names, or does not take its data.
    """
    if code_hash(code) != body["code"]:
        raise ValueError("The stored code is not the one that the notice names.")
    layers = {name: _sound(text) for name, text in _layers(body, code).items()}
    scenes: list[Scene] = []
    scripts = set(layers.values())
    for model, laws in models(body).items():
        settings = _sound(MARK + fill(code.bootstrap, {"CONSENT_SETTINGS": _settings(body, laws)}))
        for layer in (1, 2):
            core = _CORE.replace("LAYER", str(layer))
            scripts |= {core, settings}
            scenes.append(Scene(layer, model, laws, _document(body, [core, settings], layers)))
    return Stage(tuple(scenes), tuple(sorted(map(source, scripts))), (source(_STYLE),))


def models(body: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """The laws that the site followed, by model: those of one model show the same words."""
    found: dict[str, tuple[str, ...]] = {}
    for key, law in body["regimes"].items():
        found[law["model"]] = (*found.get(law["model"], ()), key)
    return found or {"opt-in": ()}


def code_hash(code: Code) -> str:
    """What names a version of the code: SHA-256 hex over its three files, one after the other."""
    return hashlib.sha256((code.bootstrap + code.banner + code.preferences).encode()).hexdigest()


def source(text: str) -> str:
    """The source expression that lets exactly this inline text run (CSP 3, 2.3.1)."""
    return f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _layers(body: Mapping[str, Any], code: Code) -> dict[str, str]:
    details = {
        "version": 1,
        "hash": "",
        "scope": "00000000",
        "since": {},
        "days": 180,
        "everything": False,
        "services": body["services"],
        "layers": {body["language"]: {"banner": "/c/banner", "preferences": "/c/preferences", "notice": ""}},
        "ui": {body["language"]: body["ui"]},
        "control": {"position": "none"},
    }
    return {
        "banner": MARK + fill(code.banner, {"CONSENT_BANNER": body["banner"]}),
        "preferences": MARK
        + fill(code.preferences, {"CONSENT_PREFERENCES": body["preferences"], "CONSENT_DETAILS": details}),
    }


def _settings(body: Mapping[str, Any], laws: tuple[str, ...]) -> dict[str, Any]:
    """`CONSENT_SETTINGS` (docs/formats.md, section 5) with nowhere to post to."""
    language = body["language"]
    return {
        "site": body["site"],
        "base": "",
        "version": 1,
        "scope": "00000000",
        "cookie": {"name": "consent", "domain": ""},
        "regime": laws[0] if laws else None,
        "regimes": {key: law | {"shown": False} for key, law in body["regimes"].items()},  # this is not counted
        "strictest": body["strictest"],
        "languages": [language],
        "purposes": body["purposes"],
        "layers": {language: {"banner": "/c/banner", "preferences": "/c/preferences"}},
        "ui": {language: body["ui"]},
        "theme": body["theme"],
        "control": {"position": "none"},
    }


def _sound(script: str) -> str:
    lower = script.lower()
    if any(mark in lower for mark in _BREAKS):
        raise ValueError("The stored code cannot stand inside a page.")
    return script


def _document(body: Mapping[str, Any], run: list[str], layers: Mapping[str, str]) -> str:
    lang, direction = escape(body["language"]), escape(body["banner"]["dir"])
    waiting = "".join(f'<script type="text/plain" id="{name}">{text}</script>' for name, text in layers.items())
    running = "".join(f"<script>{text}</script>" for text in run)
    return (
        f'<!doctype html><html lang="{lang}" dir="{direction}"><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{escape(json.dumps(body["site"]))}</title>'
        f"<style>{_STYLE}</style>{waiting}{running}<body></body></html>"
    )
