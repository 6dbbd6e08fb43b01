"""Webhooks: tell people's own programs what happened to their jobs, as Standard Webhooks describes.

Endpoints, the outbox of events, their delivery with retries, and the pages for owners. What happens to a job is
decided in `gas.jobs`, which does not depend on this room: it calls the functions that follow its moves.
"""
