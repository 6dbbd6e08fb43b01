"""URLs of a person's own profile. No URL contains an id: each is about the signed-in person."""

from django.urls import path

from gas.users import views

app_name = "users"

urlpatterns = [
    path("", views.profile, name="profile"),
    path("export/", views.export, name="export"),
    path("export/file/", views.export_file, name="export_file"),
    path("delete/", views.delete, name="delete"),
]
