"""Checks of an input file: its kind, its header, and every record.

bcftools does not validate: it accepts most broken files, and crashes on some. This package yields records that are
known to be valid and on the reference; everything else is listed with its line and a reason, or refused with a
sentence.

Nothing here annotates: that belongs in `annotator.effects`, `annotator.sources` and `annotator.run`.
"""
