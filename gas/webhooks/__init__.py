"""Webhooks: tell people's own programs what happened to their jobs, as Standard Webhooks describes.

Endpoints, the outbox of events, their delivery with retries, and the pages for owners. What happens to a job is
decided in `gas.jobs`, which knows nothing of this room: it reports each move to whom it concerns.
"""
