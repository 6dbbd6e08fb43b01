"""The checks before bcftools sees anything: what kind of file it is, its header, and every record.

bcftools is no validator: it accepts most broken files, and crashes on some. What comes out of this package is a
stream of records that are known to lie on the reference; what does not is listed with its line and a reason.
"""
