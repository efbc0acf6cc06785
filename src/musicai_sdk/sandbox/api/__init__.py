"""The API: its operations, the queue of jobs and the work on each."""
