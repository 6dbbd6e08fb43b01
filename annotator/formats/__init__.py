"""File formats of htslib, the tools that read them, and the processes those run in. Knows no genes and no alleles."""
