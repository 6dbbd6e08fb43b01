"""Install reference packs on this machine: download, check, build.

`download` downloads one file and resumes; `ensembl` knows the layout of Ensembl's servers; `build` builds a pack;
`install` does all of these, and makes a pack visible only when it is complete.

Reading an installed pack belongs in `annotator.reference`, sources of known variants in `annotator.sources`. No cloud
client here: a caller that uses S3 passes an opener (see `download.Opener`).
"""
