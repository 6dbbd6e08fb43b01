"""Addresses of the explorer. Every one that names a job answers 404 for a job of somebody else's."""

from django.urls import path

from gas.explorer.pages import exporting, genome, guide, keeping, views

app_name = "explorer"

urlpatterns = [
    path("jobs/<uuid:job_id>/variants/", views.table, name="table"),
    path("jobs/<uuid:job_id>/variants/search/", views.search, name="search"),
    path("jobs/<uuid:job_id>/variants/samples/<int:number>/", views.sample_filters, name="sample_filters"),
    path("jobs/<uuid:job_id>/variants/charts/", views.charts, name="charts"),
    path("jobs/<uuid:job_id>/variants/export/<str:kind>/", exporting.export, name="export"),
    path("jobs/<uuid:job_id>/variants/export/<str:kind>/prepare/", exporting.prepare, name="prepare_export"),
    path("jobs/<uuid:job_id>/variants/columns/", keeping.columns, name="columns"),
    path("jobs/<uuid:job_id>/variants/saved/", keeping.save, name="save"),
    path("jobs/<uuid:job_id>/variants/saved/<int:pk>/remove/", keeping.forget, name="forget"),
    path("jobs/<uuid:job_id>/variants/at/<path:variant>/star/", keeping.star, name="star"),
    path("jobs/<uuid:job_id>/variants/at/<path:variant>/", views.variant, name="variant"),
    path("jobs/<uuid:job_id>/genome/<str:name>/", genome.genome_file, name="genome_file"),
    path("help/variants/", guide.guide, name="guide"),
    path("exports/", exporting.listed, name="exports"),
    path("exports/<uuid:pk>/file/", exporting.file, name="export_file"),
    path("exports/<uuid:pk>/remove/", exporting.remove, name="remove_export"),
    path("starred/", keeping.starred, name="starred"),
    path("starred/file/", keeping.starred_file, name="starred_file"),
    path("starred/<int:pk>/remove/", keeping.unstar, name="unstar"),
]
