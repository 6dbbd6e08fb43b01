"""URLs of plans. No URL contains an id: each is about the signed-in person."""

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
