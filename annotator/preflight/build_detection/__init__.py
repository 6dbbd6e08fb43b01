"""Detect the genome build of a file, and whether its records fit the chosen reference.

Checks of single records that are not about the build belong in `annotator.preflight`.
"""
