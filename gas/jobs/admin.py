"""Register the admin pages of `gas.jobs.staff`: Django looks for an app's admin site in this module."""

from gas.jobs.staff import admin, catalogue_admin

__all__ = ["admin", "catalogue_admin"]
