"""The REST API under /api/v1, and the tokens and sign-ins of programs that use it. Each resource has one route file.

Rules about jobs, results or plans do not belong here: routes call the functions that the pages call.
"""
