"""Addresses of allauth's OpenID provider that the command line needs, by the names that allauth looks them up by.

The others are left out: no other site signs people in with accounts of this one, and no key signs identity tokens.
"""

from allauth.idp.oidc import views as oidc
from django.urls import include, path

from gas.api.pages import device

app_name = "idp"

_oidc = [
    path("device", device.confirm, name="device_authorization"),
    path("api/device/code", device.begin, name="device_code"),
    path("api/token", device.token, name="token"),
    path("api/revoke", oidc.revoke, name="revoke"),
]
urlpatterns = [path("o/", include((_oidc, "oidc")))]
