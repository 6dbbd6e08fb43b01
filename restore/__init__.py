"""The restore worker: brings archived results back from Glacier, verifies them, and then deletes the archive.

It moves bytes. Batches and states belong in `gas.jobs.storage`; calls to AWS in `gas.aws`.
"""
