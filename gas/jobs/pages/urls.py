"""URLs of jobs. Each URL of a job answers 404 to anyone but its owner."""

from django.urls import path

from gas.jobs.pages import upload_views, views

app_name = "jobs"

urlpatterns = [
    path("", views.job_list, name="list"),
    path("new/", views.new, name="new"),
    path("uploads/", upload_views.uploads, name="uploads"),
    path("uploads/clear/", upload_views.clear_uploads, name="clear_uploads"),
    path("builds/", upload_views.build, name="builds"),
    path("<uuid:job_id>/", views.detail, name="detail"),
    path("<uuid:job_id>/live/", views.live, name="live"),
    path("<uuid:job_id>/status.json", views.status, name="status"),
    path("<uuid:job_id>/log/", views.log, name="log"),
    path("<uuid:job_id>/download/<str:kind>/", views.download, name="download"),
    path("<uuid:job_id>/confirm/", upload_views.confirm, name="confirm"),
    path("<uuid:job_id>/parts/", upload_views.parts, name="parts"),
    path("<uuid:job_id>/finish/", upload_views.finish, name="finish"),
    path("<uuid:job_id>/discard/", upload_views.discard_upload, name="discard"),
    path("<uuid:job_id>/cancel/", views.cancel, name="cancel"),
    path("<uuid:job_id>/retry/", views.retry, name="retry"),
    path("<uuid:job_id>/delete/", views.delete, name="delete"),
]
