"""Your own storage: S3, Google Cloud Storage, Azure (extra `storage`)."""
