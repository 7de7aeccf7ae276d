"""Whose data it is: erasure, the end of keeping, and copies of the store that respect both."""
