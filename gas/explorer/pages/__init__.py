"""The explorer's pages.

- `access` leads from an address to the open table of the person's own job, or to a page that says why there is none.
- `address` is what is asked for, as an address has it; `context` is what the table's page is made of.
- `views`, `urls`: the pages.
"""
