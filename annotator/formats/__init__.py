"""File formats of HTSlib, the tools that read them, and the child processes that run the tools.

Genes, alleles and consequences do not belong here.
"""
