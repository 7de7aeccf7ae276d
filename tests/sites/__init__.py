"""Tests of consent/sites."""
