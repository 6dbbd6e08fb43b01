"""The Django project of the site: accounts, plans, jobs, pages, mails, and the clients of AWS.

Annotation belongs in `annotator`, moving results to and from Glacier in `archive` and `restore`. The site never imports
a worker: it sends a task by its name (`gas.tasknames`).
"""

from gas.celery import app as celery_app

__all__ = ["celery_app"]
