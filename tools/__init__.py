"""Checks that `make lint` runs. Nothing in the service imports this package."""
