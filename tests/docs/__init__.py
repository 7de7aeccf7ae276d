"""The documentation, held to the source."""
