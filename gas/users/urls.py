"""Addresses of a person's own profile. None names a person: each is about who is signed in."""

from django.urls import path

from gas.users import views

app_name = "users"

urlpatterns = [
    path("", views.profile, name="profile"),
    path("export/", views.export, name="export"),
    path("export/file/", views.export_file, name="export_file"),
    path("delete/", views.delete, name="delete"),
]
