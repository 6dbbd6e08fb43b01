"""What people see: Checkout with its 3-D Secure page, the Portal, and invoices. Every change is a POST."""

from flask import Blueprint, render_template

from devstack.stripe.checkoutpages import CheckoutPages
from devstack.stripe.errors import StripeError
from devstack.stripe.portalpages import PortalPages
from devstack.stripe.service import Service


def build_pages(service: Service) -> Blueprint:
    pages = Blueprint("pages", __name__)
    CheckoutPages(service).register(pages)
    PortalPages(service).register(pages)

    pages.add_url_rule("/favicon.ico", view_func=lambda: ("", 204), endpoint="favicon")

    @pages.errorhandler(StripeError)
    def refused(error: StripeError) -> tuple[str, int]:
        return render_template("message.html", title="This cannot be done", message=error.message), error.status

    @pages.get("/i/<account>/<invoice_id>")
    def invoice(account: str, invoice_id: str) -> str:
        with service.store.lock:
            return render_template("invoice.html", invoice=service.store.get("invoice", invoice_id))

    return pages
