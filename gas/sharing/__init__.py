"""Sharing of a result with people who do not own it, read-only.

A share is a link with a secret. Who opens it gets a signed cookie for the one job, which is checked against the share
with each request. The pages of jobs and of the explorer do not import this room: they ask `gas.jobs.pages.access`,
where `gas.sharing.links` registers its rule. What a visitor may see of a page is decided there, not here.
"""
