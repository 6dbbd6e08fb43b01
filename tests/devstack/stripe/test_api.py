"""The API's manners: who may call, in which version, once only, page by page; and how it refuses."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
import stripe

from devstack.stripe import ACCOUNT, PRICE, PRODUCT, SECRET_KEY
from devstack.stripe.errors import StripeError
from devstack.stripe.forms import Reader, parse
from tests.devstack.stripe.conftest import client


def test_nested_names_are_read(fake):
    made = fake.api.customers.create({"email": "a+b@lab.example", "metadata": {"user": "7", "1": "one", "ü": "é&="}})
    assert made.metadata.to_dict() == {"user": "7", "1": "one", "ü": "é&="}
    assert made.email == "a+b@lab.example"
    pairs = [("a[b][]", "1"), ("a[b][]", "2"), ("items[1][x]", "second"), ("items[0][x]", "first")]
    read = Reader(parse(pairs), ("a", "items"))
    assert read.group("a", ("b",)).texts("b") == ["1", "2"]
    assert [one.text("x") for one in read.groups("items", ("x",))] == ["first", "second"]


@pytest.mark.parametrize("name", ["a[b", "[a]", "a]", "a[b]c"])
def test_a_name_that_is_none_is_refused(name):
    with pytest.raises(StripeError, match="Invalid parameter name"):
        parse([(name, "1")])


def test_a_name_is_not_a_value_and_a_group_at_once():
    with pytest.raises(StripeError, match="Invalid object"):
        parse([("a", "1"), ("a[b]", "2")])


@pytest.mark.parametrize("key", ["sk_" + "live_" + "x" * 24, "pk_test_" + "x" * 24, "nonsense"])
def test_other_keys_are_not_let_in(fake, key):
    with pytest.raises(stripe.AuthenticationError) as refused:
        client(fake.url, key).v1.customers.list()
    assert refused.value.http_status == 401
    assert key not in str(refused.value)


def test_no_key_is_not_let_in_and_a_restricted_test_key_is(fake):
    assert requests.get(f"{fake.url}/v1/customers", timeout=10).status_code == 401
    assert client(fake.url, "rk_test_" + "x" * 24).v1.customers.list().data == []
    assert requests.get(f"{fake.url}/v1/customers", auth=(SECRET_KEY, ""), timeout=10).ok


def test_one_version_is_spoken(fake):
    with pytest.raises(stripe.InvalidRequestError, match="2020-08-27") as refused:
        client(fake.url, version="2020-08-27").v1.customers.list()
    assert refused.value.http_status == 400


def test_only_its_own_account_is_known(fake):
    assert fake.api.accounts.retrieve(ACCOUNT).id == fake.api.accounts.retrieve_current().id
    assert fake.api.customers.list(options={"stripe_account": ACCOUNT}).data == []
    with pytest.raises(stripe.PermissionError):
        fake.api.customers.list(options={"stripe_account": "acct_other"})


def test_what_is_missing_is_404_by_path_and_400_by_parameter(fake):
    with pytest.raises(stripe.InvalidRequestError) as by_path:
        fake.api.subscriptions.retrieve("sub_none")
    assert (by_path.value.http_status, by_path.value.code) == (404, "resource_missing")
    with pytest.raises(stripe.InvalidRequestError) as by_parameter:
        fake.session(line_items=[{"price": "price_none", "quantity": 1}])
    error = by_parameter.value
    assert (error.http_status, error.code, error.param) == (400, "resource_missing", "line_items[0][price]")
    assert error.user_message == "No such price: 'price_none'"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"colour": "red"}, "colour"),
        ({"subscription_data": {"trial": "1"}}, "subscription_data[trial]"),
        ({"line_items": [{"price": PRICE, "quantity": 1, "amount": 5}]}, "line_items[0][amount]"),
        ({"line_items": [{"price": PRICE, "quantity": "many"}]}, "line_items[0][quantity]"),
        ({"line_items": []}, "line_items"),
        ({"success_url": "/plan"}, "success_url"),
        ({"mode": "payment"}, "mode"),
        ({"metadata": {"long": "x" * 501}}, "metadata"),
        ({"client_reference_id": "x" * 201}, "client_reference_id"),
        ({"expand": ["amount_total.x"]}, "expand"),
        ({"expand": ["nothing"]}, "expand"),
    ],
)
def test_a_wrong_parameter_is_named(fake, fields, param):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        fake.session(**fields)
    assert refused.value.http_status == 400
    assert refused.value.param == param


def test_a_call_that_is_not_served_is_refused(fake):
    with pytest.raises(stripe.InvalidRequestError, match="Unrecognized request URL") as refused:
        fake.api.charges.list()
    assert refused.value.http_status == 404


def test_the_same_idempotency_key_gets_the_same_answer(fake):
    keyed = {"idempotency_key": "once"}
    first = fake.api.customers.create({"email": "ada@lab.example"}, keyed)
    again = fake.api.customers.create({"email": "ada@lab.example"}, keyed)
    assert again.id == first.id
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    assert len(fake.api.customers.list().data) == 1
    with pytest.raises(stripe.IdempotencyError) as refused:
        fake.api.customers.create({"email": "eve@lab.example"}, keyed)
    assert refused.value.http_status == 400
    with pytest.raises(stripe.IdempotencyError):
        fake.api.webhook_endpoints.create({"url": "http://x.example", "enabled_events": ["*"]}, keyed)


def test_a_refusal_is_not_kept_for_its_key(fake):
    keyed = {"idempotency_key": "later"}
    with pytest.raises(stripe.InvalidRequestError):
        fake.api.customers.create({"colour": "red"}, keyed)
    assert fake.api.customers.create({"email": "ada@lab.example"}, keyed).id


def test_one_key_from_many_at_once_makes_one(fake, slow_store):
    with ThreadPoolExecutor(10) as many:
        made = list(many.map(lambda _: fake.api.customers.create({}, {"idempotency_key": "race"}).id, range(20)))
    assert len(set(made)) == 1
    assert len(fake.api.customers.list({"limit": 100}).data) == 1


def test_many_at_once_make_as_many(fake):
    with ThreadPoolExecutor(10) as many:
        made = list(
            many.map(lambda number: fake.api.customers.create({"email": f"{number}@lab.example"}).id, range(40))
        )
    assert {one.id for one in fake.api.customers.list({"limit": 100}).data} == set(made)
    assert len(made) == len(set(made)) == len(fake.api.events.list({"limit": 100}).data)


def test_lists_are_paged_newest_first(fake):
    made = [fake.api.customers.create({"email": f"{number}@lab.example"}).id for number in range(25)]
    first = fake.api.customers.list()
    assert ([one.id for one in first.data], first.has_more) == (made[:14:-1], True)
    assert [one.id for one in fake.api.customers.list({"limit": 4}).auto_paging_iter()] == made[::-1]
    before = fake.api.customers.list({"limit": 3, "ending_before": made[10]})
    assert ([one.id for one in before.data], before.has_more) == ([made[13], made[12], made[11]], True)
    last = fake.api.customers.list({"starting_after": made[1]})
    assert ([one.id for one in last.data], last.has_more) == ([made[0]], False)


@pytest.mark.parametrize("wrong", [{"limit": 0}, {"limit": 101}, {"starting_after": "cus_none"}])
def test_a_wrong_page_is_refused(fake, wrong):
    with pytest.raises(stripe.InvalidRequestError):
        fake.api.customers.list(wrong)


def test_lists_are_filtered(fake, subscription):
    eve = fake.api.customers.create({"email": "eve@lab.example"})
    api = fake.api
    assert [one.id for one in api.customers.list({"email": "eve@lab.example"}).data] == [eve.id]
    assert [one.id for one in api.subscriptions.list({"customer": subscription.customer}).data] == [subscription.id]
    assert api.subscriptions.list({"customer": eve.id}).data == []
    assert [one.id for one in api.subscriptions.list({"price": PRICE, "status": "active"}).data] == [subscription.id]
    assert api.subscriptions.list({"status": "past_due"}).data == []
    paid = api.invoices.list({"subscription": subscription.id, "status": "paid"}).data
    assert [one.id for one in paid] == [subscription.latest_invoice]
    cards = api.customers.payment_methods.list(subscription.customer, {"type": "card"}).data
    assert [one.id for one in cards] == [subscription.default_payment_method]
    assert [one.id for one in api.prices.list({"active": True, "product": PRODUCT}).data] == [PRICE]
    assert api.prices.list({"active": False}).data == []
    created = subscription.created
    assert api.subscriptions.list({"created": {"gt": created + 60}}).data == []
    assert len(api.subscriptions.list({"created": {"gte": created, "lte": created}}).data) == 1
    kinds = {"types": ["invoice.paid", "customer.created"]}
    assert {one.type for one in api.events.list(kinds).data} == {"invoice.paid", "customer.created"}
    with pytest.raises(stripe.InvalidRequestError):
        api.subscriptions.list({"customer": "cus_none"})


def test_ids_become_objects_on_request(fake, subscription):
    wanted = {"expand": ["customer", "latest_invoice.customer", "default_payment_method", "items.data.price.product"]}
    shown = fake.api.subscriptions.retrieve(subscription.id, wanted)
    assert shown.customer.email == shown.latest_invoice.customer.email == "ada@lab.example"
    assert shown.default_payment_method.card.last4 == "4242"
    assert shown["items"].data[0].price.product.name == "GAS Premium"
    listed = fake.api.subscriptions.list({"expand": ["data.customer"]}).data[0]
    assert listed.customer.id == subscription.customer
    assert fake.api.subscriptions.retrieve(subscription.id).customer == subscription.customer
    with pytest.raises(stripe.InvalidRequestError, match="more than 4 levels"):
        fake.api.subscriptions.retrieve(subscription.id, {"expand": ["a.b.c.d.e"]})


def test_metadata_is_merged_and_emptied(fake, customer):
    update = fake.api.customers.update
    assert update(customer.id, {"metadata": {"lab": "x"}}).metadata.to_dict() == {"user": "7", "lab": "x"}
    assert update(customer.id, {"metadata": {"user": ""}}).metadata.to_dict() == {"lab": "x"}
    assert update(customer.id, {"name": "Ada"}).metadata.to_dict() == {"lab": "x"}
    assert update(customer.id, {"metadata": ""}).metadata.to_dict() == {}


def test_an_update_that_changes_nothing_is_no_event(fake, customer):
    fake.api.customers.update(customer.id, {"name": "Ada"})
    fake.api.customers.update(customer.id, {"name": "Ada"})
    (event,) = fake.api.events.list({"type": "customer.updated"}).data
    assert event.data.previous_attributes.to_dict() == {"name": None}
    assert event["request"]["id"].startswith("req_")


def test_a_deleted_customer_is_shown_as_such_and_takes_its_subscription_along(fake, subscription):
    api, customer = fake.api, subscription.customer
    assert api.customers.delete(customer).deleted
    assert api.customers.retrieve(customer).to_dict() == {"id": customer, "object": "customer", "deleted": True}
    assert api.subscriptions.retrieve(subscription.id).status == "canceled"
    assert [one.type for one in api.events.list({"limit": 3}).data] == [
        "customer.deleted",
        "payment_method.detached",
        "customer.subscription.deleted",
    ]
    assert api.customers.list().data == []
    with pytest.raises(stripe.InvalidRequestError):
        api.customers.delete(customer)
    with pytest.raises(stripe.InvalidRequestError):
        api.billing_portal.sessions.create({"customer": customer})
    with pytest.raises(stripe.InvalidRequestError):
        fake.session(customer=customer)
