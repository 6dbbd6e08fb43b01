"""The queue of jobs: enqueue a job, choose the next job, and pause after a fault.

Nothing here knows files or storage: the packages `lifecycle` and `storage` build on this one.
"""
