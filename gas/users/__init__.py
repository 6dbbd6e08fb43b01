"""Accounts: sign-in, profile, export and deletion, and the order in which people are locked.

Knows neither plans nor jobs. They register their part of an export or deletion in `registry`.
"""
