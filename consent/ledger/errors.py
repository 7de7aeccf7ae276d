"""What is wrong with a proof, a note or a log."""


class LedgerError(ValueError):
    """Something does not hold that a ledger promises; its text is one sentence that says what."""
