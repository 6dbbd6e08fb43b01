"""What a job can be annotated with: reference packs, sources of known variants, and the build that a file is on.

With `gas.jobs.models` and `annotator.bounds`, this is where the site reads the annotation library.
"""
