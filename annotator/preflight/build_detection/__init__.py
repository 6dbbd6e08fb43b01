"""Which genome build a file is on, and whether its records fit the reference that was chosen."""
