"""Run a job's work in a child process that can be killed at any time: the parent's side and the child's side.

What the work does belongs in `annotator.run` and `annotator.tables`, not here.
"""
