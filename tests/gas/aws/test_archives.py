"""Both routes into Glacier keep the same promises, on an emulator that answers as AWS does."""

import hashlib
import io
import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.utils import calculate_tree_hash
from django.conf import settings as django_settings
from django.test import override_settings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gas.aws import clients, copies, glacier_class
from gas.aws.archive_routes import archive
from gas.aws.archives import (
    Archive,
    ArchiveMissing,
    ExpeditedUnavailable,
    NotReady,
    RetrievalExpired,
    RetrievalState,
    StoredArchive,
)
from gas.aws.clients import AWSError
from gas.aws.glacier_vault import VaultArchive, part_size
from gas.aws.s3 import CopyDiffers, ObjectMissing
from tests.support.glacier_standin import StandIn, faithful_aws

MIB = 1024 * 1024
DAY = 24 * 3600
BUCKET = django_settings.S3_RESULTS_BUCKET
NOBODY = "nobody" * 23  # 138 characters, as an archive's id has


@pytest.fixture(scope="module")
def _aws() -> Iterator[StandIn]:
    with faithful_aws() as aws, override_settings(ARCHIVE_PART_BYTES=MIB):
        yield aws


@pytest.fixture
def aws(_aws: StandIn) -> StandIn:
    _aws.calm()
    return _aws


@dataclass
class Bench:
    """One route, and results to archive on it."""

    aws: StandIn
    archive: Archive
    numbers: Iterator[int]

    @property
    def vault(self) -> bool:
        return self.archive.route == "vault"

    def result(self, body: bytes = b"##fileformat=VCFv4.2\n", **more: Any) -> dict[str, Any]:
        """Put a result, and say what `store` needs."""
        number = next(self.numbers)
        key = f"results/1/{number}/annot.vcf.gz"
        clients.s3().put_object(Bucket=BUCKET, Key=key, Body=body, **more)
        digest = hashlib.sha256(body).hexdigest()
        return {"source_key": key, "archive_key": f"1/{number:06}", "size": len(body), "sha256": digest}

    def stored(self, body: bytes = b"##fileformat=VCFv4.2\n", **more: Any) -> StoredArchive:
        return self.archive.store(**self.result(body, **more))

    def begin(self, stored: StoredArchive, **options: Any) -> str:
        wanted: dict[str, Any] = {"tier": "Standard", "size": stored.size, **options}
        return self.archive.begin_retrieval(stored.archive_id, **wanted)

    def retrieved(self, stored: StoredArchive) -> str:
        """Of an archive, the id of a finished retrieval."""
        retrieval = self.begin(stored)
        self.aws.glacier(advance=60)
        return retrieval

    def state(self, stored: StoredArchive, retrieval: str) -> RetrievalState:
        return self.archive.retrieval_status([(stored.archive_id, retrieval)])[retrieval].state

    def read(self, stored: StoredArchive, retrieval: str) -> bytes:
        return b"".join(self.archive.read(stored.archive_id, retrieval))

    def restore(self, stored: StoredArchive, retrieval: str, target: str, **other: Any) -> None:
        self.archive.restore_to(
            stored.archive_id, retrieval, target, **{"size": stored.size, "sha256": stored.sha256, **other}
        )

    def kept(self) -> int:
        """Archives that there are, and unfinished uploads."""
        if self.vault:
            return len(self.aws.archives()) + int(self.aws.glacier()["vaults"]["gas-archive"]["uploads"])
        uploads = clients.s3().list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])
        return len(uploads) + int(clients.s3().list_objects_v2(Bucket=BUCKET, Prefix="archive/")["KeyCount"])


@pytest.fixture(scope="module")
def _numbers() -> Iterator[int]:
    return itertools.count()


@pytest.fixture(params=["vault", "class"])
def bench(request: pytest.FixtureRequest, aws: StandIn, _numbers: Iterator[int]) -> Bench:
    return Bench(aws, archive(request.param), _numbers)


@pytest.fixture
def on_vault(aws: StandIn, _numbers: Iterator[int]) -> Bench:
    return Bench(aws, archive("vault"), _numbers)


@pytest.fixture
def on_class(aws: StandIn, _numbers: Iterator[int]) -> Bench:
    return Bench(aws, archive("class"), _numbers)


def present(key: str) -> bool:
    return bool(clients.s3().list_objects_v2(Bucket=BUCKET, Prefix=key)["KeyCount"])


def test_the_setting_chooses_the_route() -> None:
    assert archive().route == "vault"
    with override_settings(ARCHIVE_ROUTE="class"):
        assert archive().route == "class"
    assert archive("class").route == "class"


class TestStore:
    @pytest.mark.parametrize("size", [1, MIB - 1, MIB, MIB + 1, 3 * MIB, 3 * MIB + 5])
    def test_an_archive_comes_back_byte_for_byte(self, bench: Bench, size: int) -> None:
        body = os.urandom(size)
        stored = bench.stored(body)
        retrieval = bench.retrieved(stored)
        assert bench.read(stored, retrieval) == body
        bench.restore(stored, retrieval, "results/1/back")
        back = clients.s3().get_object(Bucket=BUCKET, Key="results/1/back")
        assert back["Body"].read() == body
        assert back.get("StorageClass", "STANDARD") == "STANDARD"

    def test_it_says_what_was_stored(self, bench: Bench) -> None:
        body = os.urandom(2 * MIB + 1)
        stored = bench.stored(body)
        assert (stored.size, stored.sha256) == (len(body), hashlib.sha256(body).hexdigest())
        assert stored.tree_hash == (calculate_tree_hash(io.BytesIO(body)) if bench.vault else "")
        assert stored.route == bench.archive.route

    @pytest.mark.parametrize("body", [b"short", os.urandom(2 * MIB + 1)], ids=["whole", "in parts"])
    @pytest.mark.parametrize("wrong", [{"sha256": "0" * 64}, {"size": 4}, {"size": 3 * MIB}])
    def test_a_result_other_than_expected_is_not_kept(self, bench: Bench, body: bytes, wrong: dict[str, Any]) -> None:
        before = bench.kept()
        with pytest.raises(CopyDiffers):
            bench.archive.store(**{**bench.result(body), **wrong})
        assert bench.kept() == before

    @pytest.mark.parametrize("size", [1000, 2 * MIB + 1], ids=["whole", "in parts"])
    def test_a_copy_that_differs_is_deleted(self, bench: Bench, size: int) -> None:
        """The service tells the hash of what it holds."""
        before = bench.kept()
        bench.aws.glacier(damage=1)
        with pytest.raises(CopyDiffers):
            bench.stored(os.urandom(size))
        assert bench.kept() == before

    def test_a_missing_result_is_said_to_be(self, bench: Bench) -> None:
        before = bench.kept()
        with pytest.raises(ObjectMissing):
            bench.archive.store(source_key="results/none", archive_key="1/none", size=2 * MIB, sha256="0" * 64)
        assert bench.kept() == before

    def test_results_alike_are_archives_of_their_own(self, bench: Bench) -> None:
        one, other = bench.stored(b"alike"), bench.stored(b"alike")
        assert one.archive_id != other.archive_id
        bench.archive.delete(one.archive_id)
        assert bench.read(other, bench.retrieved(other)) == b"alike"

    def test_an_upload_that_breaks_off_leaves_nothing(self, on_vault: Bench) -> None:
        on_vault.aws.faults({"service": "glacier", "action": "UploadMultipartPart", "status": 400, "code": "Broken"})
        before = on_vault.kept()
        with pytest.raises(AWSError):
            on_vault.stored(os.urandom(2 * MIB))
        assert on_vault.kept() == before
        assert on_vault.aws.count("glacier.AbortMultipartUpload") == 1

    def test_a_lost_answer_to_the_last_call_makes_no_second_archive(self, on_vault: Bench) -> None:
        on_vault.aws.lost["glacier.CompleteMultipartUpload"] = 1
        before = on_vault.kept()
        assert on_vault.stored(os.urandom(2 * MIB)).archive_id in on_vault.aws.archives()
        assert on_vault.kept() == before + 1

    def test_the_vault_says_which_result_an_archive_is(self, on_vault: Bench) -> None:
        wanted = on_vault.result()
        stored = on_vault.archive.store(**wanted)
        said = on_vault.aws.archives()[stored.archive_id]["description"]
        assert said == f"{wanted['archive_key']} sha256={wanted['sha256']}"

    def test_parts_grow_where_ten_thousand_are_too_few(self) -> None:
        with override_settings(ARCHIVE_PART_BYTES=MIB):
            assert part_size(10_000 * MIB) == MIB
            assert part_size(10_000 * MIB + 1) == 2 * MIB


class TestClass:
    @pytest.fixture
    def _small_copies(self, aws: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
        """As if CopyObject took no more than 6 MiB."""
        aws.glacier(copy_max_bytes=6 * MIB)
        monkeypatch.setattr(copies, "SINGLE_COPY_MAX_BYTES", 6 * MIB)
        monkeypatch.setattr(copies, "PART_BYTES", 5 * MIB)

    def test_the_setting_names_the_class(self, on_class: Bench) -> None:
        with override_settings(GLACIER_STORAGE_CLASS="DEEP_ARCHIVE"):
            stored = on_class.stored()
        assert clients.s3().head_object(Bucket=BUCKET, Key=stored.archive_id)["StorageClass"] == "DEEP_ARCHIVE"

    @pytest.mark.usefixtures("_small_copies")
    @pytest.mark.parametrize("size", [6 * MIB, 6 * MIB + 1, 10 * MIB, 11 * MIB])
    def test_a_copy_above_the_limit_is_made_in_parts(self, on_class: Bench, size: int) -> None:
        body = os.urandom(size)
        stored = on_class.stored(body, ContentType="application/gzip", Metadata={"sha256": "x"})
        on_class.restore(stored, on_class.retrieved(stored), "results/1/back")
        back = clients.s3().get_object(Bucket=BUCKET, Key="results/1/back")
        assert back["Body"].read() == body
        assert (back["ContentType"], back["Metadata"]) == ("application/gzip", {"sha256": "x"})
        assert on_class.aws.count("s3.UploadPartCopy") == (0 if size <= 6 * MIB else 2 * ceil(size / (5 * MIB)))

    @pytest.mark.usefixtures("_small_copies")
    @pytest.mark.parametrize("wrong", [{"sha256": "0" * 64}, {"size": 10 * MIB}])
    def test_parts_that_differ_leave_nothing(self, on_class: Bench, wrong: dict[str, Any]) -> None:
        before = on_class.kept()
        with pytest.raises(CopyDiffers):
            on_class.archive.store(**{**on_class.result(os.urandom(11 * MIB)), **wrong})
        on_class.aws.glacier(damage=1)
        with pytest.raises(CopyDiffers, match="part 1"):
            on_class.stored(os.urandom(11 * MIB))
        assert on_class.kept() == before

    def test_only_archives_are_deleted(self, on_class: Bench) -> None:
        with pytest.raises(ValueError, match="not an archive"):
            on_class.archive.delete("results/1/1/annot.vcf.gz")


class TestBegin:
    def test_asking_again_pays_once(self, bench: Bench) -> None:
        stored, paid = bench.stored(), bench.aws.paid()
        retrieval = bench.begin(stored)
        assert bench.begin(stored) == retrieval
        assert bench.begin(stored, tier="Expedited") == retrieval  # faster, and dearer: but there is one already
        bench.aws.glacier(advance=60)
        assert bench.begin(stored) == retrieval
        assert bench.aws.paid() == paid + 1

    def test_a_lost_answer_pays_once(self, bench: Bench) -> None:
        stored, paid = bench.stored(), bench.aws.paid()
        call = "glacier.InitiateJob" if bench.vault else "s3.RestoreObject"
        bench.aws.lost[call] = 1
        with pytest.raises(AWSError):
            bench.begin(stored)
        assert bench.aws.count(call) == 1  # botocore did not ask again by itself
        retrieval = bench.begin(stored)
        assert bench.state(stored, retrieval) is RetrievalState.IN_PROGRESS
        assert bench.aws.paid() == paid + 1

    def test_many_are_looked_for_at_once(self, bench: Bench) -> None:
        asked, done, not_asked = bench.stored(), bench.stored(), bench.stored()
        retrievals = {done.archive_id: bench.retrieved(done), asked.archive_id: bench.begin(asked)}
        bench.aws.calls.clear()
        found = bench.archive.find_retrievals([asked.archive_id, done.archive_id, not_asked.archive_id])
        assert found == retrievals
        assert len(bench.aws.calls) == 1

    def test_a_first_call_may_spare_the_look(self, bench: Bench) -> None:
        stored = bench.stored()
        bench.aws.calls.clear()
        bench.begin(stored, look_first=False)
        assert len(bench.aws.calls) == 1

    def test_an_object_that_is_being_restored_is_no_error(self, on_class: Bench) -> None:
        stored, paid = on_class.stored(), on_class.aws.paid()
        assert on_class.begin(stored) == on_class.begin(stored, look_first=False)  # 409 RestoreAlreadyInProgress
        assert on_class.aws.paid() == paid + 1

    @pytest.mark.parametrize("refusal", ["InsufficientCapacityException", "PolicyEnforcedException"])
    def test_without_room_for_expedited_nothing_is_asked(self, bench: Bench, refusal: str) -> None:
        stored, paid = bench.stored(), bench.aws.paid()
        bench.aws.glacier(refuse_expedited=1, refusal=refusal)
        with pytest.raises(ExpeditedUnavailable):
            bench.begin(stored, tier="Expedited")
        assert bench.aws.paid() == paid
        assert bench.aws.count("glacier.InitiateJob" if bench.vault else "s3.RestoreObject") == 1
        assert bench.state(stored, bench.begin(stored, tier="Standard")) is RetrievalState.IN_PROGRESS

    def test_the_same_refusal_of_standard_is_an_error(self, on_vault: Bench) -> None:
        stored = on_vault.stored()
        rule = {"service": "glacier", "action": "InitiateJob", "status": 400, "code": "PolicyEnforcedException"}
        on_vault.aws.faults(rule)
        with pytest.raises(ClientError, match="PolicyEnforcedException"):
            on_vault.begin(stored)

    def test_what_is_too_large_for_expedited_is_not_asked_for(self, bench: Bench) -> None:
        stored = bench.stored()
        bench.aws.calls.clear()
        with pytest.raises(ExpeditedUnavailable):
            bench.begin(stored, tier="Expedited", size=250_000_001, look_first=False)
        assert not bench.aws.calls

    @pytest.mark.parametrize("look_first", [True, False])
    def test_deep_archive_knows_no_expedited(self, on_class: Bench, *, look_first: bool) -> None:
        with override_settings(GLACIER_STORAGE_CLASS="DEEP_ARCHIVE"):
            stored = on_class.stored()
        with pytest.raises(ExpeditedUnavailable):
            on_class.begin(stored, tier="Expedited", look_first=look_first)

    @pytest.mark.parametrize("look_first", [True, False])
    def test_a_missing_archive_is_said_to_be(self, bench: Bench, *, look_first: bool) -> None:
        missing = NOBODY if bench.vault else "archive/1/nobody"
        with pytest.raises(ArchiveMissing):
            bench.archive.begin_retrieval(missing, tier="Standard", size=1, look_first=look_first)

    def test_a_copy_that_ends_soon_is_prolonged(self, on_class: Bench) -> None:
        with override_settings(RESTORE_COPY_DAYS=1):
            stored = on_class.stored()
            retrieval = on_class.retrieved(stored)
        ends = on_class.archive.retrieval_status([(stored.archive_id, retrieval)])[retrieval].expires_at
        assert ends is not None
        with override_settings(RESTORE_COPY_DAYS=9), pytest.MonkeyPatch.context() as patch:
            patch.setattr(glacier_class, "SOON", ends - ends.replace(year=ends.year - 1))
            assert on_class.begin(stored) == retrieval
        later = on_class.archive.retrieval_status([(stored.archive_id, retrieval)])[retrieval].expires_at
        assert later is not None
        assert (later - ends).days == 8


class TestRetrieval:
    def test_it_is_under_way_then_done_then_gone(self, bench: Bench) -> None:
        stored = bench.stored(b"bytes")
        retrieval = bench.begin(stored, tier="Expedited")
        assert bench.state(stored, retrieval) is RetrievalState.IN_PROGRESS
        with pytest.raises(NotReady):
            bench.read(stored, retrieval)
        with pytest.raises(NotReady):
            bench.restore(stored, retrieval, "results/1/early")
        assert not present("results/1/early")
        bench.aws.glacier(advance=60)
        assert bench.state(stored, retrieval) is RetrievalState.DONE
        assert bench.read(stored, retrieval) == b"bytes"
        bench.aws.glacier(advance=4 * DAY)
        assert bench.state(stored, retrieval) is RetrievalState.MISSING
        with pytest.raises(RetrievalExpired):
            bench.read(stored, retrieval)
        with pytest.raises(RetrievalExpired):
            bench.restore(stored, retrieval, "results/1/late")
        assert not present("results/1/late")

    def test_one_that_is_gone_is_asked_for_again(self, bench: Bench) -> None:
        stored = bench.stored(b"bytes")
        bench.retrieved(stored)
        bench.aws.glacier(advance=4 * DAY)
        paid = bench.aws.paid()
        assert bench.read(stored, bench.retrieved(stored)) == b"bytes"
        assert bench.aws.paid() == paid + 1

    def test_one_that_failed_is_asked_for_again(self, on_vault: Bench) -> None:
        stored = on_vault.stored(b"bytes")
        on_vault.aws.glacier(fail_jobs=1)
        failed = on_vault.retrieved(stored)
        assert on_vault.state(stored, failed) is RetrievalState.FAILED
        with pytest.raises(RetrievalExpired):
            on_vault.read(stored, failed)
        again = on_vault.retrieved(stored)
        assert again != failed
        assert on_vault.read(stored, again) == b"bytes"

    def test_what_nobody_asked_for_is_not_to_be_had(self, bench: Bench) -> None:
        stored = bench.stored()
        retrieval = NOBODY if bench.vault else stored.archive_id
        assert bench.state(stored, retrieval) is RetrievalState.MISSING
        with pytest.raises(RetrievalExpired):
            bench.read(stored, retrieval)

    def test_another_archives_retrieval_is_not_taken_for_this_ones(self, on_vault: Bench) -> None:
        stored, other = on_vault.stored(b"mine"), on_vault.stored(b"another's")
        with pytest.raises(RetrievalExpired):
            on_vault.read(stored, on_vault.retrieved(other))

    def test_a_line_that_breaks_or_lies_is_tried_again(self, on_vault: Bench) -> None:
        body = os.urandom(3 * MIB + 1)
        stored = on_vault.stored(body)
        retrieval = on_vault.retrieved(stored)
        on_vault.aws.cut["glacier.GetJobOutput"] = 1
        assert on_vault.read(stored, retrieval) == body
        on_vault.aws.spoilt["glacier.GetJobOutput"] = 1
        assert on_vault.read(stored, retrieval) == body
        assert on_vault.aws.count("glacier.GetJobOutput") == 2 * (4 + 1)
        on_vault.aws.spoilt["glacier.GetJobOutput"] = 3
        with pytest.raises(CopyDiffers):
            on_vault.read(stored, retrieval)

    def test_what_comes_back_different_is_not_restored(self, bench: Bench) -> None:
        stored = bench.stored(b"bytes")
        retrieval = bench.retrieved(stored)
        for wrong in ({"sha256": "0" * 64}, {"size": 4}):
            with pytest.raises(CopyDiffers):
                bench.restore(stored, retrieval, "results/1/different", **wrong)
        assert not present("results/1/different")
        assert bench.read(stored, retrieval) == b"bytes"

    def test_restoring_twice_ends_as_once(self, bench: Bench) -> None:
        stored = bench.stored(b"bytes")
        retrieval = bench.retrieved(stored)
        for _ in range(2):
            bench.restore(stored, retrieval, "results/1/twice")
        assert clients.s3().get_object(Bucket=BUCKET, Key="results/1/twice")["Body"].read() == b"bytes"


class TestPolling:
    @pytest.fixture(autouse=True)
    def _hours(self, bench: Bench) -> None:
        """Retrievals that are still under way however slow the machine is."""
        bench.aws.glacier(seconds={"Expedited": 3600, "Standard": 7200, "Bulk": 10_000})

    def test_a_batch_costs_pages(self, bench: Bench) -> None:
        pairs = []
        for _ in range(120):
            stored = bench.stored()
            pairs.append((stored.archive_id, bench.begin(stored, look_first=False)))
        bench.aws.calls.clear()
        found = bench.archive.retrieval_status(pairs)
        assert {(one.archive_id, one.retrieval_id, one.state) for one in found.values()} == {
            (archive_id, retrieval_id, RetrievalState.IN_PROGRESS) for archive_id, retrieval_id in pairs
        }
        jobs = bench.aws.glacier()["vaults"]["gas-archive"]["jobs"]
        assert len(bench.aws.calls) <= (ceil(jobs / 50) if bench.vault else 1)

    def test_jobs_that_expired_cost_one_request_more_each(self, on_vault: Bench) -> None:
        pairs = [(stored.archive_id, on_vault.begin(stored)) for stored in (on_vault.stored() for _ in range(3))]
        on_vault.aws.glacier(advance=2 * DAY)
        on_vault.aws.calls.clear()
        assert {one.state for one in on_vault.archive.retrieval_status(pairs).values()} == {RetrievalState.MISSING}
        assert on_vault.aws.calls == ["glacier.ListJobs", *["glacier.DescribeJob"] * 3]

    def test_a_few_of_many_cost_themselves(self, bench: Bench) -> None:
        for _ in range(120):
            bench.begin(bench.stored(), look_first=False)
        stored = bench.stored()
        retrieval = bench.begin(stored, look_first=False)
        bench.aws.calls.clear()
        assert bench.state(stored, retrieval) is RetrievalState.IN_PROGRESS
        assert len(bench.aws.calls) <= 2

    def test_of_none_it_costs_nothing(self, bench: Bench) -> None:
        bench.aws.calls.clear()
        assert bench.archive.retrieval_status([]) == {}
        assert bench.archive.find_retrievals([]) == {}
        assert not bench.aws.calls

    def test_whole_pages_of_neighbours_are_passed(self, on_class: Bench) -> None:
        """Keys that come between the one that is looked for and where the listing begins."""
        for name in [*(f"a~~~~{number}" for number in range(8)), "b"]:
            clients.s3().put_object(Bucket=BUCKET, Key=f"archive/pages/{name}", Body=b"x", StorageClass="GLACIER")
        wanted = "archive/pages/b"
        on_class.archive.begin_retrieval(wanted, tier="Standard", size=1)
        on_class.aws.calls.clear()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(glacier_class, "PAGE", 3)
            found = on_class.archive.retrieval_status([(wanted, wanted)])
        assert found[wanted].state is RetrievalState.IN_PROGRESS
        assert len(on_class.aws.calls) == 3

    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(data=st.data())
    def test_listing_finds_every_key_in_at_most_as_many_calls(self, on_class: Bench, data: st.DataObject) -> None:
        """With pages of 3 keys, whatever lies between the keys that are asked for."""
        names = st.text("ab/~!", min_size=1, max_size=4)
        there = data.draw(st.sets(names, max_size=15))
        asked = data.draw(st.sets(names, min_size=1, max_size=8))
        prefix = f"archive/listing-{next(on_class.numbers)}/"
        for name in there:
            clients.s3().put_object(Bucket=BUCKET, Key=prefix + name, Body=b"x", StorageClass="GLACIER")
        begun = {name for name in there & asked if len(name) % 2}
        for name in begun:
            on_class.archive.begin_retrieval(prefix + name, tier="Standard", size=1)
        on_class.aws.calls.clear()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(glacier_class, "PAGE", 3)
            found = on_class.archive.retrieval_status([(prefix + name, prefix + name) for name in asked])
        states = {name: found[prefix + name].state for name in asked}
        expected = {name: RetrievalState.IN_PROGRESS if name in begun else RetrievalState.MISSING for name in asked}
        assert states == expected
        assert len(on_class.aws.calls) <= len(asked)


class TestDelete:
    def test_a_second_time_is_no_error(self, bench: Bench) -> None:
        stored = bench.stored()
        before = bench.kept()
        bench.archive.delete(stored.archive_id)
        bench.archive.delete(stored.archive_id)
        assert bench.kept() == before - 1

    def test_an_archive_that_never_was_is_no_error(self, bench: Bench) -> None:
        bench.archive.delete(NOBODY if bench.vault else "archive/1/nobody")

    def test_a_vault_that_is_not_there_is_an_error(self, on_vault: Bench) -> None:
        stored = on_vault.stored()
        with override_settings(GLACIER_VAULT="another"):
            with pytest.raises(ClientError, match="Vault not found"):
                on_vault.archive.delete(stored.archive_id)
            with pytest.raises(ClientError, match="Vault not found"):
                on_vault.begin(stored, look_first=False)

    def test_whether_there_is_one_is_told_where_it_can_be(self, on_class: Bench) -> None:
        stored = on_class.stored()
        assert on_class.archive.exists(stored.archive_id) is True
        on_class.archive.delete(stored.archive_id)
        assert on_class.archive.exists(stored.archive_id) is False
        assert VaultArchive().exists(NOBODY) is None  # type: ignore[func-returns-value]

    def test_an_output_that_is_ready_outlives_its_archive(self, on_vault: Bench) -> None:
        stored = on_vault.stored(b"bytes")
        retrieval = on_vault.retrieved(stored)
        on_vault.archive.delete(stored.archive_id)
        assert on_vault.read(stored, retrieval) == b"bytes"
