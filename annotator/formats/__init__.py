"""File formats of HTSlib, the tools that read them, and the processes in which the tools run.

Genes, alleles and consequences do not belong here.
"""
