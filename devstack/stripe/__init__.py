"""A stand-in for Stripe on one machine: the calls that the service makes, Checkout, the portal, and signed webhooks.

It speaks one API version, keeps everything in memory, and takes Stripe's published test cards only. It refuses every
call and parameter that the service does not use, so that a new one is noticed here. An object has the fields that
Stripe always fills and those that the service reads; other fields, which Stripe would answer as null, are left out.
Time alone changes nothing: the control page ends a period. Only events of subscriptions and of paid Checkout sessions
are made, since the service registers for no others.
"""

#: The one version that requests may name and that events have.
API_VERSION = "2026-08-26.dahlia"

#: The key that the stack's own processes use. Any test key is accepted.
SECRET_KEY = "sk_test_" + "devstack" * 4

ACCOUNT, PRODUCT, PRICE = "acct_devstack", "prod_devstackpremium", "price_devstackpremium"
