"""Detect the genome build of a file, and whether its records fit the chosen reference.

Checks of single records that do not concern the build belong in `annotator.preflight`.
"""
