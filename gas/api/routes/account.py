"""The account: its plan and usage, and its tokens. Tokens are made in the browser only."""

from uuid import UUID

from ninja import Query, Router
from ninja.responses import Status

from gas.api import tokens
from gas.api.auth import ApiRequest, needs
from gas.api.models import AccessToken
from gas.api.paging import Page, PageQuery, page_of
from gas.api.problems import Problem
from gas.api.schemas.account import AccountOut, PlanOut, TokenOut, UsageOut
from gas.api.scopes import ACCOUNT_READ, ACCOUNT_WRITE
from gas.jobs import personal
from gas.subscriptions.standing import standing

router = Router(tags=["Account"])


@router.get("/account", response=AccountOut, auth=needs(ACCOUNT_READ), summary="Get the account")
def get_account(request: ApiRequest) -> AccountOut:
    """The account, its plan and usage, and what the token allows."""
    user, held = request.auth.user, standing(request.auth.user)
    plan, used = held.plan, personal.used(user)
    return AccountOut(
        id=user.pk,
        email=user.email,
        name=user.name,
        plan=PlanOut(
            id=plan.id,
            title=plan.title,
            max_upload_bytes=plan.max_upload_bytes,
            concurrent_jobs=plan.concurrent_jobs,
            archive_after_seconds=plan.archive_after,
            lasts_until=held.lasts_until,
        ),
        usage=UsageOut(
            jobs=used.jobs,
            active_jobs=used.active,
            stored_results=used.hot,
            stored_bytes=used.hot_size,
            archived_results=used.cold,
            archived_bytes=used.cold_size,
        ),
        scopes=sorted(request.auth.scopes),
        token=TokenOut.of(request.auth.token) if request.auth.token else None,
    )


@router.get("/tokens", response=Page[TokenOut], auth=needs(ACCOUNT_READ), summary="List tokens")
def list_tokens(request: ApiRequest, asked: Query[PageQuery]) -> Page[TokenOut]:
    """The account's personal tokens, the latest first, those that are over included."""
    return page_of(AccessToken.objects.filter(owner=request.auth.user), asked, TokenOut.of)


@router.delete("/tokens/{uuid:token_id}", response={204: None}, auth=needs(ACCOUNT_WRITE), summary="Revoke a token")
def revoke_token(request: ApiRequest, token_id: UUID) -> Status[None]:
    """Revoke a token at once. Safe to repeat."""
    row = AccessToken.objects.filter(pk=token_id, owner=request.auth.user).first()
    if row is None:
        raise Problem("not-found")
    tokens.revoke(row, actor=request.auth.user)
    return Status(204, None)
