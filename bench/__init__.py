"""Measurements on this machine: `make bench`. Results are in bench/RESULTS.md.

Whether something is correct belongs in `tests`; here only time, memory and calls are counted.
"""
