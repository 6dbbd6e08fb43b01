"""The pages of jobs, for their owners: URLs, views, and the context of the templates.

Rules about jobs belong in `lifecycle` and `storage`; a view calls one of their functions.
"""
