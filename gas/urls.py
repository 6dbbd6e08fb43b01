"""All URLs of the site."""

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import include, path

from gas.jobs.pages.context import limits
from gas.subscriptions.webhook import webhook
from gas.users.views import to_provider

admin.site.site_header = admin.site.site_title = "GAS staff"
admin.site.index_title = "Service"
# Staff use the same sign-in page as everybody, with the same rate limits.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]


def landing(request: HttpRequest) -> HttpResponse:
    """Return the landing page for people who are not signed in; redirect others to their jobs."""
    if request.user.is_authenticated:
        return redirect("jobs:list")
    return render(request, "landing.html", limits())


urlpatterns = [
    path("", landing, name="landing"),
    path("jobs/", include("gas.jobs.pages.urls")),
    path("", include("gas.explorer.pages.urls")),
    path("", include("gas.sharing.urls")),
    path("profile/webhooks/", include("gas.webhooks.urls")),
    path("profile/", include("gas.users.urls")),
    path("profile/", include("gas.api.pages.urls")),
    path("api/", include("gas.api.urls")),
    path("ga4gh/", include("gas.ga4gh.urls")),
    path("identity/", include("gas.api.pages.program_urls")),
    path("accounts/oidc/<slug:provider_id>/login/", to_provider),  # before allauth's own, which it calls
    path("accounts/", include("allauth.urls")),
    path("plan/", include("gas.subscriptions.urls")),
    path("stripe/webhook/<uuid:uuid>/", webhook),  # before dj-stripe's own, which it calls
    path("stripe/", include("djstripe.urls", namespace="djstripe")),
    path("admin/", admin.site.urls),
]
