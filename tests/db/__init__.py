"""Tests of consent/db."""
