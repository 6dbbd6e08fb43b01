"""The Django project: everything that people and staff see."""

from gas.celery import app as celery_app

__all__ = ["celery_app"]
