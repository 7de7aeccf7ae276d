"""The catalogue: its files and how they are matched."""
