"""The API: its eight operations, the queue of jobs, and the work on them.

`routes` answers requests, `queue` starts jobs as slots come free, `work` runs one job, `transfers` fetches inputs and
delivers results. To add an operation: a method in `routes`, an entry in its table of paths, and the operation in
`schemas/openapi.yaml`. Only `lifecycle`, `sandbox`, `http` and `dashboard` import from here.
"""
