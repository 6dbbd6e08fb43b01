"""Jobs: from an upload to an annotated result, what people see of it, and what staff do about it.

At the door are the models, both state machines, and what Django and Celery look for by name. Each room says in its
docstring what belongs there: `queue`, `catalogue`, `storage`, `mails`, `lifecycle`, `pages`, `staff`.
"""
