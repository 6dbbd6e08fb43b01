"""The life of a job: upload, lease, heartbeat, end, cancel, retry, and the sweep that repairs what got stuck.

What happens to a result after the job ends belongs in `storage`; pages belong in `pages`.
"""
