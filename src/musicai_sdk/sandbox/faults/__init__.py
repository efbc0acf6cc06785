"""Faults and quirks: how the sandbox goes wrong on request.

A fault affects single requests: `options` has one table of all, `rules` picks the requests. A quirk holds for every
request until it is changed: `quirks` has one table of all, `odd_answers` applies those of jobs and lists.

To add a fault, touch these files, and a test:

1. `options.FaultOptions`: a field with its range and a docstring, and its name in one of the groups below the table:
   `_UNANSWERED` (no answer), `REPLACEMENTS` (another answer), `_ANSWERS` (more than the real answer), `_DISTORTIONS` (a
   distorted answer; in `CLOSING` too if it closes the connection) or `JOB_OPTIONS` (the job). `checked` refuses what
   can't be combined.
2. The place that applies it: `distorted` in `http.distortion` for a distorted answer, `http.middleware` for a broken
   connection or another answer, `api.work` or `api.queue` for a job.
3. `scripts/_chaos/faults.py` if a client can recover from it, otherwise `UNUSED` in `tests/project/test_chaos.py`.

The command line and the admin endpoint follow from the table. The dashboard's switches are a selection: `SWITCHES` in
`dashboard/pages.py`. `tests/sandbox/faults/test_options.py` fails until the fault is documented, is in a group and has a
test; those on the wire have theirs in `tests/sandbox/http/test_middleware.py`.

To add a quirk, touch two files:

1. `quirks.Quirks`: a field whose default is the usual behaviour, with a docstring that says what is odd and where it
   was seen, and a line in the docstring of the class.
2. The one place that reads it: `odd_answers` for what a job looks like, `api` for what an operation does, `storage` for
   objects, `http` for what stands between the client and the service.

`tests/sandbox/faults/test_quirks.py` fails until the quirk is documented and has a test. The simulation in
`tests/simulation` shares `Quirks` and `odd_answers`.
"""
