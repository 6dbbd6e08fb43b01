"""The way into the queue: enqueue a job, decide whose turn it is, and pause after a fault.

Nothing here knows files or storage: the rooms `lifecycle` and `storage` build on this one.
"""
