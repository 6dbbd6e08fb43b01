"""Who may see a job: its owner, and nobody else."""

from uuid import UUID

from django.shortcuts import get_object_or_404

from gas.jobs.models import Job
from gas.users.requests import PersonRequest


def own_job(request: PersonRequest, job_id: UUID) -> Job:
    """Return the job if it is the person's own. Raises Http404 for anybody else's, as if there were none."""
    return get_object_or_404(Job.objects.select_related("owner"), pk=job_id, owner=request.user)
