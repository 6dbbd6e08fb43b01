"""Convert gene models of any common style into one: genes, transcripts, exons and coding segments.

`rows` reads the lines of a GFF3 or GTF file, `styles` knows the vocabulary of Ensembl, GENCODE and NCBI RefSeq, `build`
assembles the rows of a contig, `check` rejects or repairs impossible models, and `ensembl_gff3` writes the result as
Ensembl's GFF3, from which a pack is built. `convert` runs all of these, contig by contig.

Lookups in an installed pack belong in `annotator.reference`.
"""
