"""Blocking measured in real browsers, by what arrived at servers that play the rest of the world.

    python -m pytest tests/browser            # what `scripts/test` runs; add -m "not slow" for the shorter round
    RECORD_RESIDUE=1 python -m pytest tests/browser/test_residue.py     # adds what was measured to residue.json

As root, or where users may make user namespaces, the whole run moves into a network of its own (`net.py`): real ports,
every name resolved by us, nothing reaches the world. Else the browsers are sent to one port, and a line at the top of
the report says what cannot be seen then. `CHROMIUM` and `FIREFOX` name other programs than the system's. A browser that
is not there is skipped, with the reason.

`recorder` every foreign host, and what arrived there · `driver` one interface over the browsers · `site/` the pages,
`vendors/` small stand-ins for the vendors' scripts · `kinds` 112 kinds of request · `service` the consent service as a
process behind TLS · `lab` all of it together.
"""
