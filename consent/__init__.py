"""Consent manager: what a site asks its visitors, what they said, and what may run."""
