"""The synchronous resources, generated from the asynchronous ones beside this folder by `scripts/generate`."""
