"""Known variants from public databases: ClinVar, dbSNP, gnomAD, or any VCF.

A source is turned once into a table of its alleles in their normal form (`convert`, `install`), from which runs read
the few blocks that they need (`lookup`). docs/sources.md describes it to those who install one.
"""
