"""The genome view on a pack that the web machine does not have: its files come from S3, by presigned addresses."""

import json
import re
import shutil
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pysam
import pytest
from django.test import Client

from annotator.install.install import Wanted, install
from annotator.reference.pack import load_reference
from gas.aws import clients
from gas.explorer.keys import VariantKey
from gas.jobs.catalogue import packs
from gas.jobs.models import Job
from gas.users.models import User
from tests.support.genome import ASSEMBLY, SPECIES, make_genome, serve_as_ensembl

pytestmark = pytest.mark.django_db


def stored_at(client: Client, address: str) -> tuple[str, str]:
    """Return the bucket and the key that an address of the view leads to."""
    answer = client.get(address, headers={"Range": "bytes=0-3"})
    assert answer.status_code == 302
    target = urlsplit(answer["Location"])
    assert "X-Amz-Signature" in target.query
    assert "X-Amz-Expires" in target.query
    host, path = target.netloc.split(".")[0], unquote(target.path).strip("/")
    return (host, path) if host == "packs" else tuple(path.split("/", 1))  # type: ignore[return-value]


def test_a_published_pack_is_read_from_s3_with_its_indexes(
    job_with_table: Job, person: User, browser_of: Any, settings: Any, tmp_path: Path
) -> None:
    settings.REFERENCES_DIR, settings.WORK_DIR = tmp_path / "references", tmp_path
    serve_as_ensembl(tmp_path / "pub", make_genome())
    install(Wanted(SPECIES, base=(tmp_path / "pub").as_uri()), settings.REFERENCES_DIR)
    reference = load_reference(ASSEMBLY, settings.REFERENCES_DIR)
    contig = reference.contigs[0]
    clients.s3().create_bucket(Bucket="packs")
    settings.REFERENCES_S3 = "packs/of/lab"
    packs.publish(ASSEMBLY)
    with pysam.FastaFile(str(reference.fasta)) as fasta:
        bases = fasta.fetch(contig.name, 10, 60)
    shutil.rmtree(settings.REFERENCES_DIR)
    Job.objects.filter(pk=job_with_table.pk).update(reference=ASSEMBLY)

    client = browser_of(person)
    row = client.get(f"/jobs/{job_with_table.pk}/variants/").context["page"].rows[0]
    page = client.get(f"/jobs/{job_with_table.pk}/variants/at/{VariantKey.of_row(row)}/").content.decode()
    found = re.search(r'data-genome="([^"]+)"', page)
    assert found
    view = json.loads(unescape(found[1]))
    genes = view["tracks"][0]
    wanted = {
        "genome.fa.gz": view["reference"]["fastaURL"],
        "genome.fa.gz.fai": view["reference"]["indexURL"],
        "genome.fa.gz.gzi": view["reference"]["compressedIndexURL"],
        "genes.gff3.gz": genes["url"],
        "genes.gff3.gz.csi": genes["indexURL"],
    }
    for name, address in wanted.items():
        bucket, key = stored_at(client, address)
        assert bucket == "packs"
        clients.s3().download_file(bucket, key, str(tmp_path / name))
    with pysam.FastaFile(str(tmp_path / "genome.fa.gz")) as fasta:
        assert fasta.fetch(contig.name, 10, 60) == bases != ""
    with pysam.TabixFile(str(tmp_path / "genes.gff3.gz"), index=str(tmp_path / "genes.gff3.gz.csi")) as gff:
        assert any("gene" in line for line in gff.fetch(contig.name))
    aliases = client.get(view["reference"]["aliasURL"]).content.decode()
    assert contig.name in aliases.splitlines()[0].split("\t")
    assert client.get(f"/jobs/{job_with_table.pk}/genome/manifest/").status_code == 404
