"""Management commands, run with manage.py."""
