"""Blocking measured in real browsers, by what arrived at servers that play the rest of the world."""
