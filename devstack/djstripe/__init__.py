"""dj-stripe's tables in one step, for databases that last a day or a test run: its own migrations take minutes."""
