"""Who may look: accounts, what they may do where, and how they sign in."""
