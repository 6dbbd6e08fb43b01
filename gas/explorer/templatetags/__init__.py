"""Cells of tables and fields of the form, for the explorer's templates."""
