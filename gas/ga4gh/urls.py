"""Addresses of the GA4GH standards, below /ga4gh/."""

from django.urls import path

from gas.ga4gh import drs, htsget, service_info

app_name = "ga4gh"

urlpatterns = [
    path("drs/v1/service-info", service_info.drs, name="drs_info"),
    path("drs/v1/objects/<uuid:job_id>.<slug:kind>", drs.drs_object, name="drs_object"),
    path("drs/v1/objects/<uuid:job_id>.<slug:kind>/access/<slug:access_id>", drs.drs_access, name="drs_access"),
    path("htsget/v1/variants/service-info", service_info.htsget, name="htsget_info"),
    path("htsget/v1/variants/<uuid:job_id>", htsget.ticket, name="htsget"),
]
