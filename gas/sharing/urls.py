"""Addresses of shares: a link, and the owner's page of a job's shares."""

from django.urls import path

from gas.sharing import views

app_name = "sharing"

urlpatterns = [
    path("s/<str:secret>/", views.open_link, name="open"),
    path("jobs/<uuid:job_id>/shares/", views.job_shares, name="list"),
    path("jobs/<uuid:job_id>/shares/<uuid:share_id>/revoke/", views.revoke, name="revoke"),
]
