"""Webhooks: endpoints, their secrets, tests, and deliveries with replay."""

from functools import partial
from uuid import UUID

from ninja import Query, Router
from ninja.responses import Status

from gas.api.auth import ApiRequest, needs
from gas.api.idempotency import idempotent
from gas.api.paging import Page, PageQuery, page_of
from gas.api.problems import Problem, ProblemOut
from gas.api.schemas.webhooks import DeliveryOut, WebhookChange, WebhookIn, WebhookOut, WebhookSecretOut
from gas.api.scopes import ACCOUNT_READ, ACCOUNT_WRITE
from gas.users.models import User
from gas.webhooks import endpoints
from gas.webhooks.models import Delivery, Endpoint

router = Router(tags=["Webhooks"])


def problem_of(refused: endpoints.EndpointRefused) -> Problem:
    """Return a refusal of the lower room as a problem."""
    text = str(refused)
    if refused.code == "address":
        return Problem("invalid", errors=[("url", text)])
    if refused.code == "too-many":
        return Problem("rate-limited", text, headers={"Retry-After": str(refused.retry_after)})
    return Problem("refused", text)


def _own(user: User, webhook_id: UUID) -> Endpoint:
    try:
        return Endpoint.objects.select_related("owner").get(pk=webhook_id, owner=user)
    except Endpoint.DoesNotExist as missing:
        raise Problem("not-found", "You have no webhook with this id.") from missing


@router.get("/webhooks", response=Page[WebhookOut], auth=needs(ACCOUNT_READ), summary="List webhooks")
def list_webhooks(request: ApiRequest, asked: Query[PageQuery]) -> Page[WebhookOut]:
    """The account's endpoints, the latest first."""
    return page_of(Endpoint.objects.filter(owner=request.auth.user), asked, WebhookOut.of)


@router.post(
    "/webhooks", response={201: WebhookSecretOut, 409: ProblemOut}, auth=needs(ACCOUNT_WRITE), summary="Add a webhook"
)
@partial(idempotent, secrets=("secret",))
def add_webhook(request: ApiRequest, asked: WebhookIn) -> Status[WebhookSecretOut]:
    """Add an endpoint. The answer has its signing secret, this once."""
    return Status(201, WebhookSecretOut.with_secret(*endpoints.create(request.auth.user, asked.url, asked.events)))


@router.get("/webhooks/{uuid:webhook_id}", response=WebhookOut, auth=needs(ACCOUNT_READ), summary="Get a webhook")
def get_webhook(request: ApiRequest, webhook_id: UUID) -> WebhookOut:
    """One endpoint."""
    return WebhookOut.of(_own(request.auth.user, webhook_id))


@router.patch(
    "/webhooks/{uuid:webhook_id}",
    response={200: WebhookOut, 409: ProblemOut},
    auth=needs(ACCOUNT_WRITE),
    summary="Change a webhook",
)
def change_webhook(request: ApiRequest, webhook_id: UUID, asked: WebhookChange) -> WebhookOut:
    """Change the address or the events, or switch the endpoint on or off."""
    endpoint = _own(request.auth.user, webhook_id)
    if asked.url is not None or asked.events is not None:
        url = endpoint.url if asked.url is None else asked.url
        endpoints.change(endpoint, url, endpoint.events if asked.events is None else asked.events)
    if asked.enabled is True:
        endpoints.switch_on(endpoint)
    elif asked.enabled is False:
        endpoints.switch_off(endpoint, "You switched it off.")
    return WebhookOut.of(_own(request.auth.user, webhook_id))


@router.delete(
    "/webhooks/{uuid:webhook_id}", response={204: None}, auth=needs(ACCOUNT_WRITE), summary="Delete a webhook"
)
def delete_webhook(request: ApiRequest, webhook_id: UUID) -> Status[None]:
    """Delete an endpoint and the log of its deliveries."""
    endpoints.delete(_own(request.auth.user, webhook_id))
    return Status(204, None)


@router.post(
    "/webhooks/{uuid:webhook_id}/secret",
    response={200: WebhookSecretOut, 409: ProblemOut},
    auth=needs(ACCOUNT_WRITE),
    summary="Make a new secret",
)
@partial(idempotent, secrets=("secret",))
def rotate_webhook_secret(request: ApiRequest, webhook_id: UUID) -> Status[WebhookSecretOut]:
    """Make a new signing secret. The one before it is valid for 24 hours more: events have two signatures."""
    endpoint = _own(request.auth.user, webhook_id)
    return Status(200, WebhookSecretOut.with_secret(endpoint, endpoints.rotate(endpoint)))


@router.post(
    "/webhooks/{uuid:webhook_id}/test",
    response={202: DeliveryOut, 409: ProblemOut},
    auth=needs(ACCOUNT_WRITE),
    summary="Send a test event",
)
@idempotent
def test_webhook(request: ApiRequest, webhook_id: UUID) -> Status[DeliveryOut]:
    """Send an event of the type webhook.test. What came of it is in the list of deliveries."""
    return Status(202, DeliveryOut.of(endpoints.send_test(_own(request.auth.user, webhook_id))))


@router.get(
    "/webhooks/{uuid:webhook_id}/deliveries",
    response=Page[DeliveryOut],
    auth=needs(ACCOUNT_READ),
    summary="List deliveries of a webhook",
)
def list_deliveries(request: ApiRequest, webhook_id: UUID, asked: Query[PageQuery]) -> Page[DeliveryOut]:
    """What was sent to an endpoint within the last 30 days, with its attempts, the latest first."""
    rows = _own(request.auth.user, webhook_id).deliveries.prefetch_related("attempts")
    return page_of(rows, asked, DeliveryOut.of)


@router.post(
    "/webhooks/{uuid:webhook_id}/deliveries/{uuid:delivery_id}/replay",
    response={202: DeliveryOut, 409: ProblemOut},
    auth=needs(ACCOUNT_WRITE),
    summary="Send a delivery again",
)
@idempotent
def replay_delivery(request: ApiRequest, webhook_id: UUID, delivery_id: UUID) -> Status[DeliveryOut]:
    """Send an event again, with the same webhook-id."""
    rows = Delivery.objects.select_related("endpoint__owner")
    delivery = rows.filter(pk=delivery_id, endpoint=_own(request.auth.user, webhook_id)).first()
    if delivery is None:
        raise Problem("not-found", "There is no such delivery. Deliveries are kept for 30 days.")
    endpoints.replay(delivery)
    return Status(202, DeliveryOut.of(rows.get(pk=delivery.pk)))
