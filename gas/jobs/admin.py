"""The door to the admin pages in `gas.jobs.staff`: Django looks here for the admin site of an app."""

from gas.jobs.staff import admin, catalogue_admin

__all__ = ["admin", "catalogue_admin"]
