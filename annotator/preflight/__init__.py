"""Check an input file: its format, its header, and every record.

bcftools does not validate: it accepts most broken files, and crashes on some. This package yields only records that
are valid and fit the reference. Other records are skipped and listed with their line and a reason, or the whole file is
refused with one sentence.

No annotation here: that belongs in `annotator.effects`, `annotator.sources` and `annotator.run`.
"""
