"""GFF3 files of real genes that tests read."""

from pathlib import Path

EFFECTS = Path(__file__).parents[1] / "annotator" / "effects"
RCRS = Path(__file__).parents[2] / "annotator" / "reference" / "packs" / "rCRS" / "genes.gff3"
FILES = (EFFECTS / "vep" / "human.gff3.gz", EFFECTS / "vep" / "other.gff3.gz", EFFECTS / "cases" / "genes.gff3", RCRS)
