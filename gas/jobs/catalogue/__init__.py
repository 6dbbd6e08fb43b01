"""What a job can be annotated with: reference packs, sources of known variants, and the detection of a file's build.

Together with `gas.jobs.models` and `annotator.bounds`, this is where the site uses the annotation library.
"""
