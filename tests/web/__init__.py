"""Tests of consent/web."""
