"""Checks a policy against the law and its own words: everything at once, each with a sentence and a remedy."""

from collections.abc import Mapping

from consent.catalogue.service import Service, load_catalogue
from consent.policy.duties import purposes, services, site, sources, telemetry, theme, words
from consent.policy.finding import Finding, PolicyError
from consent.policy.policy import Policy, parse
from consent.policy.resolved import Resolved, resolve


def check(policy: Policy, catalogue: Mapping[str, Service]) -> list[Finding]:
    """Every fault and doubt; a policy with an error among them must not be published."""
    findings = [
        *site.check_origins(policy),
        *site.check_controller(policy),
        *site.check_choice(policy),
        *site.check_languages(policy),
        *site.check_regimes(policy),
        *site.check_everything(policy),
        *purposes.check_purposes(policy),
        *telemetry.check_telemetry(policy),
        *theme.check_theme(policy),
        *words.check_words(policy),
        *words.check_texts(policy),
    ]
    try:
        resolved = resolve(policy, catalogue)
    except PolicyError as incomplete:
        return findings + list(incomplete.findings)
    findings += services.check_services(policy, resolved, catalogue)
    findings += sources.check_sources(resolved, catalogue)
    return findings


def read_checked(text: str) -> tuple[Resolved, list[Finding]]:
    """Read, check and resolve a policy: what to publish, and the warnings. Raises PolicyError with every error."""
    policy = parse(text)
    catalogue = load_catalogue()
    findings = check(policy, catalogue)
    errors = [finding for finding in findings if finding.severity == "error"]
    if errors:
        raise PolicyError(errors)
    return resolve(policy, catalogue), findings
