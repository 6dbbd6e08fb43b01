"""The archive worker: moves due results to Glacier, verifies them, and then deletes the copy in S3.

It moves bytes. Deciding what is due, and recording states, belongs in `gas.jobs.storage`; calls to AWS in `gas.aws`.
"""
