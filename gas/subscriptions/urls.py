"""Addresses of plans. None names anything of anybody's: each is about who is signed in."""

from django.urls import path

from gas.subscriptions import views

app_name = "plan"

urlpatterns = [
    path("", views.overview, name="overview"),
    path("checkout/", views.checkout, name="checkout"),
    path("portal/", views.portal, name="portal"),
    path("back/", views.back, name="back"),
    path("back/live/", views.live, name="live"),
]
