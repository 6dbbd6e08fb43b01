"""A small Stripe for one machine: the calls that the service makes, Checkout, the Portal, and signed webhooks.

It speaks one API version, keeps everything in memory, and takes Stripe's published test cards only. What it does not
serve it refuses, so that a call which real Stripe would answer differently is noticed here.
"""

#: The one version that requests may name and events are rendered as.
API_VERSION = "2026-08-26.dahlia"

#: The one key that the stack's own processes use; any test key is accepted.
SECRET_KEY = "sk_test_" + "devstack" * 4

ACCOUNT, PRODUCT, PRICE = "acct_devstack", "prod_devstackpremium", "price_devstackpremium"
