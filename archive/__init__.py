"""The archive worker: results of free people go to Glacier, verified, and only then leave S3."""
