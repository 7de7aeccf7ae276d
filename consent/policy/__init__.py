"""What is asked, by version."""
