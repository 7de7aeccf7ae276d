"""For how many days a choice holds. The browser's twin is `lifetime` in `widget/src/rules.js`; both pass
`tests/vectors/lifetime.json`."""

from consent.policy.resolved import Resolved
from consent.regimes.regime import STRICTEST, Regime, load_regimes


def lifetime(resolved: Resolved, regime: str, *, grants: bool) -> int:
    """Days from the day of the choice.

    A refusal, and any choice where the law is opt-out, is not asked again before the law's own time (CNIL and Garante:
    six months; Cal. Civ. Code 1798.135(c)(4): twelve).

    Args:
        resolved: the policy that was shown.
        regime: the key of the law it was shown under; of one that the site does not follow, its default counts.
        grants: whether the choice grants anything.
    """
    followed = law(resolved, regime)
    return resolved.days if grants and followed.model == "opt-in" else max(resolved.days, followed.reask_days)


def law(resolved: Resolved, regime: str) -> Regime:
    """The law that a choice was made under; where the site does not follow it, the site's own default."""
    known = load_regimes()
    followed = known.keys() if resolved.regimes is None else set(resolved.regimes) & known.keys()
    return known[next((key for key in (regime, resolved.default_regime) if key in followed), STRICTEST)]
