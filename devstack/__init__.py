"""Everything the service needs, on one machine: an embedded AWS with a mailbox, and the processes around it.

For development, demonstrations and tests. Nothing in the service imports it.
"""
