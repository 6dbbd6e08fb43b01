"""Outputs of a run: the annotated file and its proof of readability, the log, the summary, and derived files."""
