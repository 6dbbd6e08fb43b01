"""What holds for every call of the API: who may call, in which version, once only, page by page; and how it refuses."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
import stripe

from devstack.stripe import PRICE
from devstack.stripe.errors import StripeError
from devstack.stripe.parameters import parse
from tests.support.stripe_process import client


def test_nested_names_are_read(fake):
    made = fake.api.customers.create({"email": "a+b@lab.example", "metadata": {"user": "7", "1": "one", "ü": "é&="}})
    assert made.metadata.to_dict() == {"user": "7", "1": "one", "ü": "é&="}
    assert made.email == "a+b@lab.example"
    assert parse([("a[b][]", "1"), ("a[b][]", "2")]) == {"a": {"b": {"0": "1", "1": "2"}}}


@pytest.mark.parametrize("name", ["a[b", "[a]", "a]", "a[b]c"])
def test_a_malformed_name_is_refused(name):
    with pytest.raises(StripeError, match="Invalid parameter name"):
        parse([(name, "1")])


def test_a_name_is_not_a_value_and_a_mapping_at_once():
    with pytest.raises(StripeError, match="Invalid object"):
        parse([("a", "1"), ("a[b]", "2")])


@pytest.mark.parametrize("key", ["sk_" + "live_" + "x" * 24, "pk_test_" + "x" * 24, "nonsense"])
def test_other_keys_are_refused(fake, key):
    with pytest.raises(stripe.AuthenticationError) as refused:
        client(fake.url, key).webhook_endpoints.list()
    assert refused.value.http_status == 401
    assert key not in str(refused.value)


def test_a_call_without_a_key_is_refused_and_a_restricted_test_key_is_accepted(fake):
    assert requests.get(f"{fake.url}/v1/webhook_endpoints", timeout=10).status_code == 401
    assert client(fake.url, "rk_test_" + "x" * 24).webhook_endpoints.list().data == []


def test_another_version_is_refused(fake):
    with pytest.raises(stripe.InvalidRequestError, match="2020-08-27") as refused:
        client(fake.url, version="2020-08-27").webhook_endpoints.list()
    assert refused.value.http_status == 400


def test_what_is_missing_is_404_by_path_and_400_by_parameter(fake, customer):
    with pytest.raises(stripe.InvalidRequestError) as by_path:
        fake.api.prices.retrieve("price_none")
    assert (by_path.value.http_status, by_path.value.code) == (404, "resource_missing")
    with pytest.raises(stripe.InvalidRequestError) as by_parameter:
        fake.session(customer, line_items=[{"price": "price_none", "quantity": 1}])
    error = by_parameter.value
    assert (error.http_status, error.code, error.param) == (400, "resource_missing", "line_items[0][price]")
    assert error.user_message == "No such price: 'price_none'"
    with pytest.raises(stripe.InvalidRequestError) as by_customer:
        fake.api.subscriptions.list({"customer": "cus_none"})
    assert (by_customer.value.code, by_customer.value.param) == ("resource_missing", "customer")


@pytest.mark.parametrize(
    ("fields", "param", "code"),
    [
        ({"colour": "red"}, "colour", "parameter_unknown"),
        ({"subscription_data": {"trial": "1"}}, "subscription_data[trial]", "parameter_unknown"),
        ({"line_items": [{"price": PRICE, "quantity": 1, "amount": 5}]}, "line_items[0][amount]", "parameter_unknown"),
        ({"line_items": [{"price": PRICE}]}, "line_items[0][quantity]", "parameter_missing"),
        ({"line_items": [{"price": PRICE, "quantity": "many"}]}, "line_items[0][quantity]", None),
        ({"line_items": []}, "line_items", "parameter_missing"),
        ({"success_url": "/plan"}, "success_url", None),
        ({"mode": "payment"}, "mode", None),
        ({"metadata": {"long": "x" * 501}}, "metadata[long]", None),
        ({"client_reference_id": "x" * 201}, "client_reference_id", None),
    ],
)
def test_a_wrong_parameter_is_named(fake, customer, fields, param, code):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        fake.session(customer, **fields)
    assert (refused.value.http_status, refused.value.param, refused.value.code) == (400, param, code)


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
    assert len(fake.billing.store.all("customer")) == 1
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
    assert len(set(made)) == len(fake.billing.store.all("customer")) == 1


def test_lists_are_paged_newest_first(fake):
    endpoint = {"enabled_events": ["*"], "url": "http://127.0.0.1:9/"}
    made = [fake.api.webhook_endpoints.create(endpoint).id for _ in range(12)]
    first = fake.api.webhook_endpoints.list()
    assert ([one.id for one in first.data], first.has_more) == (made[:1:-1], True)
    assert [one.id for one in fake.api.webhook_endpoints.list({"limit": 5}).auto_paging_iter()] == made[::-1]
    last = fake.api.webhook_endpoints.list({"starting_after": made[1]})
    assert ([one.id for one in last.data], last.has_more) == ([made[0]], False)


@pytest.mark.parametrize("wrong", [{"limit": 0}, {"limit": 101}, {"starting_after": "we_none"}])
def test_a_wrong_page_is_refused(fake, wrong):
    with pytest.raises(stripe.InvalidRequestError):
        fake.api.webhook_endpoints.list(wrong)


def test_lists_are_of_one_customer_or_of_all(fake, subscription):
    eve = fake.api.customers.create({"email": "eve@lab.example"}).id
    theirs = fake.session(eve)
    assert [one.id for one in fake.api.checkout.sessions.list({"customer": eve}).data] == [theirs.id]
    assert len(fake.api.checkout.sessions.list().data) == 2
    assert fake.api.subscriptions.list({"customer": eve}).data == []
    assert [one.id for one in fake.api.subscriptions.list().data] == [subscription.id]


def test_a_deleted_customer_is_shown_as_such_and_their_subscription_ends(fake, person, subscription):
    api, customer = fake.api, subscription.customer
    assert api.customers.delete(customer).deleted
    assert api.customers.retrieve(customer).to_dict() == {"id": customer, "object": "customer", "deleted": True}
    assert api.subscriptions.list({"customer": customer}).data == []
    assert fake.subscription(customer).status == "canceled"
    assert person.events()[0]["type"] == "customer.subscription.deleted"
    with pytest.raises(stripe.InvalidRequestError):
        api.customers.delete(customer)
    with pytest.raises(stripe.InvalidRequestError):
        api.customers.update(customer, {"email": "ada@new.example"})
    with pytest.raises(stripe.InvalidRequestError):
        api.billing_portal.sessions.create({"customer": customer})
    with pytest.raises(stripe.InvalidRequestError):
        fake.session(customer)
