"""Results in and inputs from a bucket, against a real S3 server over HTTP."""
