"""The second half of the demonstration: a result goes to Glacier when it is due, and comes back on an upgrade."""

import hashlib
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from devstack.client import Refused, Scientist
from devstack.scenarios.timeline import Timeline, expect
from devstack.stack import Stack
from devstack.stripe.client import DECLINED, Control, NotPaid, Shopper
from devstack.waiting import wait_for

#: A result is archived within seconds, and found again soon should its message be lost.
SETTINGS = {"ARCHIVE_AFTER_SECONDS": "10", "SWEEP_SECONDS": "5", "LEASE_SECONDS": "20", "RESEND_AFTER_SECONDS": "20"}
PLACES = {"vault": "the Glacier vault", "class": "S3's Glacier storage class"}
WAIT_SECONDS = 90


def archive_and_restore(stack: Stack, scientist: Scientist, job: str, before: bytes, timeline: Timeline) -> None:
    """Follow the result of a completed job of a free person, whose bytes are `before`. Raises Broken."""
    _archived(stack, scientist, job, timeline)
    _subscribed(stack, scientist, timeline)
    _restored(stack, scientist, job, timeline)
    with timeline.step("Bytes identical") as seen:
        old, new = (hashlib.sha256(data).hexdigest() for data in (before, scientist.download(job)))
        expect(old == new, f"SHA-256 {old} went to Glacier, and {new} came back")
        seen += [f"SHA-256 {new[:16]}… before and after", f"{len(before):,} bytes"]
    with timeline.step("Archive gone"):
        wait_for(lambda: not stack.archives(job), WAIT_SECONDS, "the end of the archive")
    with timeline.step("Mail of the return") as seen:
        mails = wait_for(lambda: _returns(stack, scientist), WAIT_SECONDS, "the mail about the return")
        expect(len(mails) == 1, f"{len(mails)} mails about one return")
        seen.append(mails[0]["subject"])


def _archived(stack: Stack, scientist: Scientist, job: str, timeline: Timeline) -> None:
    with timeline.step("Countdown") as seen:
        due = scientist.status(job)["result"]["archive_due_at"]
        expect(bool(due), "a free person's result is not due to be archived")
        wait = (datetime.fromisoformat(due) - datetime.now(UTC)).total_seconds()
        seen.append(f"due in {wait:.1f} s" if wait > 0 else "due now")
        time.sleep(max(0, wait))
    with timeline.step("Result archived") as seen:
        _until(scientist, job, "to be archived", lambda result: result["state"] == "ARCHIVED")
        wait_for(lambda: not _hot(stack, job), WAIT_SECONDS, "the end of the copy in S3")
        archives = stack.archives(job)
        expect(len(archives) == 1, f"there are {len(archives)} archives of one result")
        seen += ["object gone from S3", f"present in {PLACES[stack.env['ARCHIVE_ROUTE']]}"]
    with timeline.step("Download refused, log still there"):
        expect(_refused(scientist, job), "an archived result can be downloaded")
        expect(b"bcftools" in scientist.download(job, "log"), "the log went with the result")


def _subscribed(stack: Stack, scientist: Scientist, timeline: Timeline) -> None:
    # As on a day when Glacier has no room.
    stack.glacier(refuse_expedited=1)
    with Shopper() as shopper, stack.stripe() as stripe:
        with timeline.step("Upgrade asked for") as seen:
            checkout = scientist.checkout()
            expect(checkout.startswith(stack.stripe_url), f"the site leads to {checkout}, and not to Checkout")
            expect(
                'data-profile-plan="free"' in scientist.page("/profile/"), "the plan changed before anything was paid"
            )
            seen.append("Checkout opened")
        with timeline.step("Card declined") as seen:
            try:
                shopper.pay(checkout, card=DECLINED)
            except NotPaid as refusal:
                seen.append(str(refusal))
            expect(bool(seen), "a card that is declined paid")
        with timeline.step("Paid at Checkout") as seen:
            back = shopper.pay(checkout)
            expect(back.startswith(stack.web_url), f"Checkout leads back to {back}")
            scientist.page(back)
            seen.append("test card 4242…")
        with timeline.step("Signed webhook") as seen:
            (told,) = wait_for(lambda: _delivered(stripe), WAIT_SECONDS, "the webhook")
            seen += [told["type"], "signature accepted"]
        with timeline.step("Premium"):
            wait_for(
                lambda: 'data-profile-plan="premium"' in scientist.page("/profile/"),
                WAIT_SECONDS,
                "the plan to follow the webhook",
            )


def _delivered(stripe: Control) -> list[dict[str, Any]]:
    """Return the event about the subscription, once the site has accepted it."""
    events = stripe.events("customer.subscription.created")
    return [one for one in events if any(call["state"] == "delivered" for call in one["deliveries"])]


def _restored(stack: Stack, scientist: Scientist, job: str, timeline: Timeline) -> None:
    with timeline.step("Expedited refused, Standard used") as seen:
        _until(scientist, job, "to be asked for", lambda result: result["retrieval_tier"] == "Standard")
        expect(stack.glacier_state()["rules"]["refuse_expedited"] == 0, "nobody asked for Expedited first")
        expect("no room for an Expedited" in scientist.page(f"/jobs/{job}/"), "the timeline does not tell the refusal")
        seen += ["tier refused: Expedited", "tier used: Standard"]
    with timeline.step("Result restored") as seen:
        _until(scientist, job, "to come back", lambda result: result["state"] == "AVAILABLE")
        woken = any("restore.poll_once" in stack.log(worker.name) for worker in stack.workers)
        seen += ["woken by Glacier's notice" if woken else "polled", "object in S3 again"]
        expect(len(_hot(stack, job)) == 1, "there is not one copy in S3")


def _refused(scientist: Scientist, job: str) -> bool:
    try:
        scientist.download(job)
    except Refused:
        return True
    return False


def _until(scientist: Scientist, job: str, what: str, done: Callable[[dict[str, Any]], bool]) -> None:
    wait_for(lambda: done(scientist.status(job)["result"]), WAIT_SECONDS, f"the result {what}")


def _hot(stack: Stack, job: str) -> list[str]:
    return [key for key in stack.objects(job) if "/results/" in key and key.endswith("/annot.vcf.gz")]


def _returns(stack: Stack, scientist: Scientist) -> list[dict[str, Any]]:
    return [mail for mail in stack.mail(scientist.email) if mail["subject"].endswith(" back")]
