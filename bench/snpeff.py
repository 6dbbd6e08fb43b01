"""SnpEff and SnpSift, where they are installed, and SnpEff's database of a pack's genes."""

import shutil
import subprocess
from pathlib import Path

SNPEFF_JAR, SNPSIFT_JAR = Path("/usr/share/java/snpeff.jar"), Path("/usr/share/java/snpsift.jar")


def snpeff(*arguments: str) -> list[str]:
    return ["java", "-Xmx4g", "-jar", str(SNPEFF_JAR), *arguments]


def snpsift(*arguments: str) -> list[str]:
    return ["java", "-Xmx4g", "-jar", str(SNPSIFT_JAR), *arguments]


def snpeff_database(folder: Path, name: str) -> Path:
    """SnpEff's own form of the same genes, made once. Returns its configuration.

    name: of the pack in the folder `packs`, and of the database.
    """
    home = folder / "snpeff"
    data = home / name
    config = home / "snpEff.config"
    if not (data / "snpEffectPredictor.bin").exists():
        data.mkdir(parents=True, exist_ok=True)
        config.write_text(f"data.dir = {home.absolute()}\n{name}.genome : {name}\n" + _codons())
        pack = folder / "packs" / name
        shutil.copy(pack / "genome.fa", data / "sequences.fa")
        text = (pack / "genes.gff3").read_text().replace("ID=gene:", "ID=").replace("Parent=gene:", "Parent=")
        (data / "genes.gff").write_text(text.replace("transcript:", ""))
        subprocess.run(
            snpeff("build", "-gff3", "-noCheckCds", "-noCheckProtein", "-config", str(config), name),
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    return config


def _codons() -> str:
    lines = Path("/etc/snpeff/snpEff.config").read_text().splitlines()
    return "\n".join(line for line in lines if line.startswith("codon.Standard")) + "\n"
