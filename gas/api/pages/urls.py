"""Addresses of a person's tokens, below /profile/. None names a person: each is about who is signed in."""

from django.urls import path

from gas.api.pages import views

app_name = "api"

urlpatterns = [
    path("tokens/", views.token_list, name="tokens"),
    path("tokens/make/", views.make_token, name="make_token"),
    path("tokens/<uuid:token_id>/revoke/", views.revoke_token, name="revoke_token"),
    path("tokens/programs/sign-out/", views.sign_programs_out, name="sign_programs_out"),
]
