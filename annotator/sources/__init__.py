"""Known variants from public databases: ClinVar, dbSNP, gnomAD, or any VCF.

`convert` and `install` convert a source once into a table of its alleles in normal form. Runs read only the blocks of
the table that they need (`lookup`). docs/sources.md is for people who install a source.

The built-in table of rCRS and the files of a pack belong in `annotator.reference`.
"""
