"""What all apps share for staff: alerts, the audit log, and rows that the admin site only shows.

The admin pages of an app belong in the app.
"""
