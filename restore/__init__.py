"""The restore worker: restores archived results from Glacier, verifies them, and then deletes the archive.

It moves bytes. Batches and states belong in `gas.jobs.storage`; calls to AWS in `gas.aws`.
"""
