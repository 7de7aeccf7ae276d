"""Whose law a visit falls under."""
