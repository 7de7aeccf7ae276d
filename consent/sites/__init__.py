"""Sites: who embeds us, and who may read their logs."""
