"""Jobs: from an upload to an annotated result, what people see of it, and what staff do about it."""
