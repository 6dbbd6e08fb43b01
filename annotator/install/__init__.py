"""Bringing reference packs onto this machine: download, check, build, install.

`download` fetches one file and goes on where it stopped; `ensembl` knows where Ensembl keeps what; `build` makes a pack
of it; `install` does all of it, and shows a pack only when it is whole. No web framework and no cloud client: a caller
that has S3 gives it as an opener (see `download.Opener`).
"""
