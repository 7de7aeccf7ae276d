"""Regimes and places."""
