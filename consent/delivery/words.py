"""Words of the pages without script: `texts/<language>.toml`, beside those that the layers have too."""

import re
import tomllib
from collections.abc import Sequence
from functools import cache
from importlib import resources

from consent.policy.resolved import Resolved

_LENGTH = re.compile(r"(\d{1,5}) ([a-z]+?)s?", re.ASCII)
_PREFERRED = re.compile(
    r"([A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*)(?:\s*;\s*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?", re.ASCII
)


class Words:
    """The texts of one site in one language; a language that is not shipped has the pages' own words in English."""

    def __init__(self, resolved: Resolved, language: str) -> None:
        shipped = load_words()
        self.language = language
        self._layers = resolved.texts[language]
        self._known = language in shipped
        own = shipped[language if self._known else "en"]
        self._pages, self._units = own

    @property
    def own_language(self) -> str:
        """The language that the pages' own words are in."""
        return self.language if self._known else "en"

    def __call__(self, key: str, **values: str | int) -> str:
        """A text with its {names} filled in; what is put in is never read for names again."""
        text = self._layers[key] if key in self._layers else self._pages[key]
        return re.sub(r"\{([a-z]+)\}", lambda match: str(values.get(match[1], match[0])), text)

    def length(self, duration: str) -> str:
        """A duration of the catalogue, such as "13 months", as one says it."""
        if not duration:
            return self("preferences_until_deleted")
        if duration == "session":
            return self("preferences_session")
        match = _LENGTH.fullmatch(duration)
        if match is None or match[2] not in self._units:
            return duration
        forms = self._units[match[2]]
        return f"{match[1]} {forms[min(plural(self.own_language, int(match[1])), len(forms) - 1)]}"


def plural(language: str, number: int) -> int:
    """Which form a number takes: 0 one, 1 few or other, 2 many (Unicode CLDR; only Polish of ours has three)."""
    if language == "pl" and number != 1:
        return 1 if number % 10 in (2, 3, 4) and number % 100 not in (12, 13, 14) else 2
    if language == "fr":
        return 0 if number < 2 else 1
    return 0 if number == 1 else 1


def choose_language(languages: Sequence[str], asked: str | None, accepted: Sequence[str]) -> str:
    """The site's language for a visitor: the one asked for, else by `Accept-Language`, else the site's first."""
    if asked in languages:
        return asked or languages[0]
    parts = (_PREFERRED.fullmatch(part.strip()) for part in ",".join(accepted)[:500].split(","))
    weighed = sorted(
        ((-float(m[2] or 1), at, m[1].lower()) for at, m in enumerate(parts) if m and float(m[2] or 1) > 0)
    )
    lower = {language.lower(): language for language in languages}
    known = (lower[part] for _, _, tag in weighed for part in _shorter(tag) if part in lower)
    return next(known, languages[0])


def _shorter(tag: str) -> list[str]:
    """`pt-br`, then `pt` (RFC 4647, section 3.4)."""
    parts = tag.split("-")
    return ["-".join(parts[:count]) for count in range(len(parts), 0, -1)]


@cache
def load_words() -> dict[str, tuple[dict[str, str], dict[str, list[str]]]]:
    """Every language shipped: its texts and its units of time."""
    folder = resources.files("consent.delivery") / "texts"
    raw = {
        f.name.removesuffix(".toml"): tomllib.loads(f.read_text("utf-8"))
        for f in folder.iterdir()
        if f.name.endswith(".toml")
    }
    return {language: ({k: v for k, v in t.items() if k != "units"}, t["units"]) for language, t in raw.items()}
