"""Install reference packs on this machine: download, check, build.

`download` fetches one file and resumes; `ensembl` knows the layout of Ensembl's servers; `build` makes a pack;
`install` does all of it, and shows a pack only when it is complete.

Reading an installed pack belongs in `annotator.reference`, sources of known variants in `annotator.sources`. No cloud
client: a caller that has S3 passes an opener (see `download.Opener`).
"""
