"""The SQLite database: applications, jobs and stored objects.

To add a field of a job: a column in `tables`, a field in `records`, and where it is written in `database`. The data folder
of an earlier version has no such column: add it there too when a database is opened. Any part of the sandbox but the
engine may import from here.
"""
