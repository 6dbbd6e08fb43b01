"""Addresses of a person's webhooks, below /profile/webhooks/."""

from django.urls import path

from gas.webhooks import views

app_name = "webhooks"

urlpatterns = [
    path("", views.endpoint_list, name="list"),
    path("<uuid:endpoint_id>/", views.detail, name="detail"),
    path("<uuid:endpoint_id>/secret/", views.rotate, name="rotate"),
    path("<uuid:endpoint_id>/test/", views.send_test, name="test"),
    path("<uuid:endpoint_id>/on/", views.switch_on, name="on"),
    path("<uuid:endpoint_id>/off/", views.switch_off, name="off"),
    path("<uuid:endpoint_id>/delete/", views.delete, name="delete"),
    path("deliveries/<uuid:delivery_id>/replay/", views.replay, name="replay"),
]
