"""The catalogue's files: which tables there are, what an export holds, and how it is read."""
