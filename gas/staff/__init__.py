"""Shared by all apps for staff: alerts, the audit log, and read-only rows of the admin site.

The admin pages of an app belong in the app.
"""
