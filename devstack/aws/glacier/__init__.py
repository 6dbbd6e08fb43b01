"""Glacier, by both of its interfaces: the vault service, and the S3 Glacier storage classes.

Both share retrievals that take time (`retrieval`), notices of finished ones (`notices`) and a control page.
"""
