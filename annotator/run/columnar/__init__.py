"""The accelerator: blocks of records in loops that Numba compiles, with the same bytes as one by one.

Most records are plain: a change of a few bases, with a known contig and known tags, whose REF fits.

- `scan` finds plain records in a block of lines. It leaves the others to annotator.preflight, in their place (`plain`),
  and so lines whose neighbors may be on one molecule with them (`neighbors`).
- `alleles` normalizes the changes of plain records, `known` looks them up in the sources, `clinical` counts findings.
- Away from exons, consequences depend only on the position (`places`), so they are described once per stretch of the
  contig (`kinds`) that has many alleles.
- Elsewhere, SNVs are described in columns: `snv_effects` has their effects on transcripts, as `effects.effect` defines
  them; `csq_writer` their entries of INFO/CSQ, as `effects.csq_field` does; `snv_consequences` the texts of an allele,
  as `effects.consequences` does. annotator.run.composer describes every other allele.
- `numbering` numbers positions on transcripts, and `lines` writes the records.

The plain path defines the meaning of everything; a rule that it does not have must not appear here. The package
is imported with the first block: annotator.run.splitter says when that is.
"""
