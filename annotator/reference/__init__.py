"""An installed reference pack: its manifest, its sequence, and its gene models, looked up by position.

Making a pack belongs in `annotator.install`; what an allele does to a transcript in `annotator.effects`.
"""
