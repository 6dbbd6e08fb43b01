"""Jobs: from an upload to an annotated result, the pages about it, and the actions of staff.

This level has the models, both state machines, and the modules that Django and Celery look for by name. The docstring
of each subpackage says what belongs in it: `queue`, `catalogue`, `storage`, `mails`, `lifecycle`, `pages`, `staff`.
"""
