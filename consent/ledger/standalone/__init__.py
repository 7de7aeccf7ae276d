"""What leaves the house: programs that auditors run without it."""
