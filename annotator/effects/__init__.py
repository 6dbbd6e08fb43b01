"""What an allele does to a transcript: pure functions, without files, Django or AWS.

`effect.effect` is the definition. It applies the change to the transcript, translates both sequences and compares them.
Nothing here reads a file; a transcript and a function that returns bases of the contig go in, values come out.
"""
