"""What may be counted: the visitors' log, within what each visitor agreed to, and what is added up of it."""
