"""What an allele does to a transcript: alleles, consequences, HGVS, and changes on one molecule.

`effect.effect` is the definition. It applies the change to the transcript, translates both sequences and compares them.

Everything here is a pure function: a transcript and a function that returns bases of the contig go in, values come out.
Files belong in `annotator.formats` and `annotator.reference`, records and threads in `annotator.run`.
"""
