"""Where the bytes of a job are: archive, restore, remove, and compare rows with S3 and Glacier.

Only the workers in `archive/` and `restore/` move bytes; the modules here decide and record. No pages, no mails.
"""
