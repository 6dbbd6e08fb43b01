"""manage.py reconcile_storage: compare the database with S3 and Glacier, and repair what is certain."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from gas.jobs.storage import reconcile
from gas.jobs.storage.stray_objects import all_strays


class Command(BaseCommand):
    """Compare results with S3 and Glacier."""

    help = (
        "Compare every result with S3 and Glacier, by both routes, and list objects that no row names. Without "
        "--repair no result, object or archive is changed; a vault is only asked for its inventory. With it, rows "
        "are made to name verified copies; nothing is deleted. See docs/operations.md."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        mode = parser.add_mutually_exclusive_group()
        mode.add_argument("--dry-run", action="store_true", help="only list what is found (the default)")
        mode.add_argument("--repair", action="store_true", help="make rows name the verified copies that were found")
        parser.add_argument("--no-objects", action="store_true", help="do not list objects that no row names")

    def handle(self, *args: Any, **options: Any) -> None:
        repaired, found, lost = 0, 0, 0
        vault = reconcile.Vault()
        if reconcile.uses_vault():
            vault = reconcile.read_vault()
            if vault.taken_at is None:
                self.stdout.write(
                    "The vault's inventory cannot be read yet. It was asked for, and takes some hours: run this again. "
                    "Until then archives in the vault are taken to be where their rows say."
                )
        for finding in reconcile.findings(vault):
            result, copy = finding.result, finding.copy
            line = f"result {result.pk} of job {result.job_id}, {result.state}, {finding.problem}"
            if copy is None:
                lost += 1
                self.stdout.write(f"{line}: NOT FOUND anywhere")
                continue
            found += 1
            where = f"{copy.route or 'S3'}: {copy.name}"
            done = options["repair"] and reconcile.repair(finding)
            repaired += done
            self.stdout.write(f"{line}: found in {where}{', repaired' if done else ''}")
        for job, key in reconcile.uncommitted_results():
            self.stdout.write(
                f"job {job.pk}, RUNNING without a worker, has no result but stored {key}: once workers run it is "
                "annotated again, and that copy is removed"
            )
        strays = 0
        for key in [] if options["no_objects"] else all_strays():
            strays += 1
            self.stdout.write(f"no row names {key}")
        self.stdout.write(
            f"{found} results found elsewhere, {repaired} repaired; {lost} found nowhere; {strays} objects that no row "
            "names. Nothing was deleted."
        )
        if found and not options["repair"]:
            self.stdout.write("Run it with --repair to make the rows name what was found.")
