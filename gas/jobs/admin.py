"""The door to `gas.jobs.staff.admin`: Django looks here for the admin site of an app."""

from gas.jobs.staff import admin

__all__ = ["admin"]
