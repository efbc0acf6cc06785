"""The storage: uploads and downloads by signed URLs."""
