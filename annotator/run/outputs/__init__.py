"""What a run writes: the annotated file and its proof, the log, the summary, and what follows from the result."""
