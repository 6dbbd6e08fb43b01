"""The checks at the end of a storm name each thing that is not as it must be. Everything is damaged for real."""

import copy
import gzip
import hashlib
import re

import pytest

from annotator.reference.sample_file import write_sample
from devstack.scenarios.chaos import newcomer, settle
from devstack.scenarios.tamper import TAMPERINGS
from devstack.scenarios.verify import Submitted, broken_promises, observe
from devstack.waiting import wait_for
from tests.support.stacks import migrated_stack

pytestmark = [pytest.mark.workers, pytest.mark.service("checks of a storm", seconds=50)]

QUICK = {"ARCHIVE_AFTER_SECONDS": "2", "SWEEP_SECONDS": "2", "LEASE_SECONDS": "4", "MAX_ACTIVE_JOBS": "50"}
#: What the checks must say, and of whose job: a premium person's, or a free one's, whose result is archived.
SAYS = {
    "delete-result": ("premium", "cannot be downloaded|is not in S3"),
    "alter-result": ("premium", "not the one whose SHA-256|is not what the library makes"),
    "delete-index": ("premium", r"annot.vcf.gz.tbi, which job \S+ names, is not in S3"),
    "alter-table": ("premium", r"annot.tsv.gz of job \S+ is not what the library makes"),
    "delete-input": ("premium", r"/input, which job \S+ names, is not in S3"),
    "add-object": ("premium", "no row names .*-abandoned/annot.vcf.gz, which is in S3"),
    "delete-archive": ("free", "archive that the result of job .* names is not in Glacier"),
    "add-archive": ("free", "no row names 1 archives in Glacier"),
    "lose-mail": ("premium", "got no mail about job"),
    "misdirect-mail": ("premium", "went to somebody-else@lab.example|got no mail about job"),
    "repeat-mail": ("premium", "got 2 mails about job"),
}


@pytest.fixture(scope="module")
def ended(tmp_path_factory):
    """A stack whose work has ended, and the jobs of its two people, one for each damage."""
    folder = tmp_path_factory.mktemp("verify")
    with migrated_stack(folder / "data", env=QUICK) as stack:
        people = {"premium": newcomer(stack, 0), "free": newcomer(stack, 1)}
        stack.manage("devstack_set_plan", people["premium"].email, "premium")
        submitted = {}
        for number, (name, (plan, _)) in enumerate(SAYS.items()):
            path = folder / f"sample-{number}.vcf"
            write_sample(path, records=20, seed=number)
            submitted[name] = Submitted(people[plan].upload(path), people[plan], path)
        archived = [one for one in submitted.values() if one.person is people["free"]]

        def all_archived() -> bool:
            results = (one.person.status(one.job)["result"] for one in archived)
            return all(result and result["state"] == "ARCHIVED" for result in results)

        for one in submitted.values():
            assert one.person.wait(one.job)["status"] == "COMPLETED"
        wait_for(all_archived, 90, "the archives")
        wait_for(lambda: all(one["hot_deleted"] for one in stack.state()["results"] if one["archive_id"]), 60, "S3")
        settle(stack, list(submitted.values()), 60, print)
        yield stack, submitted


@pytest.fixture(scope="module")
def intact(ended):
    stack, submitted = ended
    return observe(stack, list(submitted.values()))


@pytest.fixture(scope="module")
def told(ended, intact):
    """What is told once every job has been damaged in its way."""
    stack, submitted = ended
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stack, "state", lambda: intact.database)  # it takes seconds, and stays as it is
        for name, one in submitted.items():
            TAMPERINGS[name](stack, one.job)
    jobs = list(submitted.values())
    return broken_promises(jobs, observe(stack, jobs))


def test_a_service_that_kept_its_promises_is_told_to_have_done_so(ended, intact):
    assert broken_promises(list(ended[1].values()), intact) == []


@pytest.mark.parametrize("name", [name for name in SAYS if name != "add-archive"])
def test_each_damage_is_named_with_its_job_and_nothing_else_is(ended, told, name):
    problems = [problem for problem in told if ended[1][name].job in problem]
    assert problems
    assert all(re.search(SAYS[name][1], problem) for problem in problems), problems


def test_an_archive_that_no_row_names_is_told_of(ended, told):
    jobs = [one.job for one in ended[1].values()]
    (problem,) = [problem for problem in told if not any(job in problem for job in jobs)]
    assert re.search(SAYS["add-archive"][1], problem)


def test_every_way_to_damage_a_stack_is_tried():
    assert SAYS.keys() == TAMPERINGS.keys()


@pytest.fixture
def altered(ended, intact):
    """Alters what was seen of one intact job, and returns the problems that are told then."""
    jobs = [ended[1]["repeat-mail"]]
    job, seen = jobs[0].job, copy.deepcopy(intact)
    for name in ("jobs", "results", "objects"):
        seen.database[name] = [row for row in seen.database[name] if row["job"] == job]
    seen.objects = {row["object"]: seen.objects[row["object"]] for row in seen.database["objects"]}
    seen.archives, seen.mails = {}, [mail for mail in seen.mails if job in mail["text"]]

    def alter(change):
        change(seen, seen.database["results"][0])
        return broken_promises(jobs, seen)

    assert alter(lambda *_: None) == []
    return alter


def test_a_result_that_is_wrong_and_whose_row_agrees_is_told(altered):
    """The annotation itself went wrong, or another job's bytes came under this job's name."""

    def change(seen, row):
        text = gzip.decompress(seen.downloads[row["job"]]).replace(b"GAS_GENE=", b"GAS_GENE=X", 1)
        seen.downloads[row["job"]] = gzip.compress(text)
        row["sha256"] = hashlib.sha256(seen.downloads[row["job"]]).hexdigest()

    (problem,) = altered(change)
    assert "is not what the library makes of its input: line" in problem


@pytest.mark.parametrize("digest", ["another", None])
def test_an_archive_of_the_storage_classes_is_compared_too(altered, digest):
    def change(seen, row):
        row.update(state="ARCHIVED", route="class", archive_id="archive/1")
        seen.archives = {"archive/1": digest} if digest else {}

    (problem,) = altered(change)
    assert ("is not what was archived" if digest else "is not in Glacier") in problem


@pytest.mark.parametrize(
    ("table", "change", "says"),
    [
        ("jobs", {"status": "FAILED"}, "is FAILED after"),
        ("jobs", {"owner": "eve@lab.example"}, "belongs to eve@lab.example"),
        ("jobs", None, "has no row"),
        ("results", None, "has no result"),
    ],
)
def test_a_row_that_is_wrong_or_gone_is_told(altered, table, change, says):
    def alter(seen, row):
        seen.database[table] = [{**row, **change} for row in seen.database[table]] if change else []

    assert any(says in problem for problem in altered(alter))


@pytest.mark.parametrize("owed", ["leases", "notices_unsent", "removals", "batches_open", "purges", "table_builds"])
def test_what_is_still_owed_is_told(altered, owed):
    (problem,) = altered(lambda seen, _: seen.database.update({owed: 3}))
    assert problem == f"3 {owed.replace('_', ' ')} are left though all work has ended."
