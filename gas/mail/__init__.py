"""The outbox: mails that must arrive although the mail service may be down, and limits on alerts to staff.

What a mail says belongs to the app that sends it.
"""
