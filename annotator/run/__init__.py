"""Annotate one file, from opening it to its outputs, also in a child process.

This room moves records between the others: `preflight` checks, `effects` and `sources` annotate, `formats` writes.
Rules about alleles or transcripts do not belong here, nor does anything about jobs or users.
"""
