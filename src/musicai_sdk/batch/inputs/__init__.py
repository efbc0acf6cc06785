"""Inputs: files, folders, URLs, manifests and objects of a bucket, read ahead of the run."""
