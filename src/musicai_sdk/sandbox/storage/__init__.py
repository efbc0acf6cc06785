"""The object storage: keys, signed URLs, and the bytes of uploads and results.

`keys` says where objects are, `signer` who may read or write them, `objects` keeps the bytes, `routes` answers
requests. It never reads jobs: `api` writes results, and `http` passes requests on.
"""
