"""The accelerator: annotate blocks of records in loops compiled by Numba, with the same output bytes as one by one.

Most records are plain: a change of a few bases, on a known contig, with known tags, whose REF matches the reference.

- `scan` finds plain records in a block of lines. All others are left to annotator.preflight, in file order (`plain`),
  as are lines with neighbors that may lie on one molecule with them (`neighbors`).
- `alleles` normalizes the changes of plain records, `known` looks them up in the sources, `clinical` counts findings.
- Away from exons, consequences depend only on the position (`places`), so they are described once per stretch of the
  contig (`kinds`) that has many alleles.
- Elsewhere, SNVs are described in columns: `snv_effects` computes their effects on transcripts, as `effects.effect`
  defines them; `csq_writer` writes their entries of INFO/CSQ, as `effects.csq_field` does; `snv_consequences` writes
  the texts of an allele, as `effects.consequences` does. annotator.run.composer describes every other allele.
- `numbering` numbers positions on transcripts, and `lines` writes the records.

The record-by-record path defines the meaning of everything: this package must not have a rule that the other path
lacks. annotator.run.splitter imports the package when it meets the first block.
"""
