"""Policies: read, checked, resolved, published."""
