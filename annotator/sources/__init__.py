"""Known variants from public databases: ClinVar, dbSNP, gnomAD, or any VCF.

A source is converted once into a table of its alleles in normal form (`convert`, `install`), from which runs read the
few blocks that they need (`lookup`). docs/sources.md is for people who install one.

The built-in table of rCRS and the files of a pack belong in `annotator.reference`.
"""
