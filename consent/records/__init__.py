"""What was said: decisions, the records they become, and the log they are read from."""
