"""An installed reference pack: its manifest, its sequence, and its gene models, looked up by position.

Building a pack belongs in `annotator.install`, the effect of an allele on a transcript in `annotator.effects`.
"""
