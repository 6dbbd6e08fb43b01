"""Accounts: sign-in, profile, export and deletion, and the order in which people's rows are locked.

Knows neither plans nor jobs. Other packages register their part of an export or deletion in `registry`.
"""
