"""The explorer: filter, sort, chart, look up and export the variants of a result in the browser.

What belongs here is what asks questions of a result's Parquet file (`annotator.tables.schema` describes its columns),
and what people keep about variants:

- `files` keeps local copies of the files; `native` and `conversion` make of one what DuckDB reads quickly; `database`
  opens both with DuckDB, locked; `columns` says what they have.
- `filters` has each filter once, as data; `families` those over a family's genotypes; `selection` finds the rows that
  match and counts them; `query` asks for pages of them.
- `results` leads from a job to its open file, or to the sentence that says why there is none.

DuckDB has threads, and must not be imported before a server forks: only `database` imports it, when a file is opened.
"""
