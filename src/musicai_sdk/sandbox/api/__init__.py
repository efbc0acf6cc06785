"""The API: its eight operations, the queue of jobs, and the work on them.

`routes` answers requests, `queue` starts jobs as slots become free, `work` runs one job, `transfers` fetches inputs and
delivers results. To add an operation, write a method in `routes`, add an entry to its table of paths, and describe the
operation in `schemas/openapi.yaml`. Only `lifecycle`, `sandbox`, `http` and `dashboard` import this room.
"""
