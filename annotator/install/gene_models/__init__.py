"""Gene models of any usual style, turned into one: genes, transcripts, exons and coding parts.

`rows` reads the lines of a GFF3 or GTF file, `styles` knows what Ensembl, GENCODE and NCBI RefSeq call things, `build`
puts the rows of a contig together, `check` refuses or repairs what cannot be true, and `ensembl_gff3` writes the result
as Ensembl's GFF3, from which a pack is built. `convert` does all of it, contig by contig.
"""
