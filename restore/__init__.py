"""The restore worker: archived results come back from Glacier, verified, and only then leave it."""
