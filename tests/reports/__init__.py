"""Tests of consent/records."""
