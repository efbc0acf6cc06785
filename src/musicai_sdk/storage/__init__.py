"""Your own storage: results go to a bucket, and inputs may come from one (extra `storage`).

```python
from musicai_sdk.storage import Bucket

bucket = Bucket("s3://music/results")
job = client.jobs.run(IsolateDrums(input_url=song), copy_results_to=bucket)
bucket.outputs(job)                                       # {"Kick drum": StoredObject(…), …}
client.jobs.download(job, "drums", storage=bucket)        # downloaded from the bucket, verified
client.files.download(bucket.resolve(job).result.kick_drum, "kick.wav")
```

The service writes the results to the bucket itself: `create` signs one upload URL (PUT) for each file output that the
workflow's class declares. No audio passes through this machine, and the service never sees your credentials.

Which outputs:
    All declared outputs; `bucket.for_outputs(["kick_drum", "snare_drum"])` selects some and leaves the others in the
    service's storage. A `CustomWorkflow` declares none, so name them. In the result, outputs that went to a bucket are
    `CUSTOM_STORAGE`.

Where they are:
    `<prefix>/<idempotency key of the job>/<output>`, such as `results/0f3a…/Kick drum`. The key is in the job's metadata, so
    any process that has the job can find its objects; a repeated `create` with the same `idempotency_key` uses the same
    objects and is the same request. A name that isn't valid everywhere (`a/b`) is made safe and gets a digest. JSON outputs
    end in `.json`. Whether a stem is WAV or MP3 is unknown when the URL is signed: if it matters, use
    `for_outputs({"Vocals": ".wav"})`. The service sends the `Content-Type`. `bucket.in_folder("albums/blue/01")` chooses
    another folder for one job.

Inputs:
    `bucket.input("songs/a.wav")` is a signed URL (GET) for a workflow's input; `bucket.objects("*.wav")` lists objects.

How long URLs are valid:
    12 hours, or `Bucket(…, expires=seconds)` up to a week, from the moment of signing. That must cover the upload of inputs,
    the service's queue and the processing. After that the service can't write, and the job ends as FAILED, with `BAD_INPUT`
    in the sandbox. URLs signed with temporary credentials (a role, a session token) expire with them, if that is earlier:
    use permanent credentials for long runs.

Credentials:
    They come from the environment, or from options with the names of obstore. They never appear in a `repr`, a log or an
    error, and aren't pickled: workers read their own environment. Files such as `~/.aws/credentials` aren't read; for
    profiles and single sign-on pass `credential_provider=obstore.auth.boto3.Boto3CredentialProvider()`.

    - S3: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, `AWS_REGION`, or the role of an Amazon machine.
      For other services with the S3 protocol (MinIO, R2, …), use `Bucket("s3://music", endpoint="https://minio.example")`
      or `AWS_ENDPOINT_URL`. Permissions: GetObject, PutObject, ListBucket.
    - Google: `gs://music`; `GOOGLE_SERVICE_ACCOUNT` or `GOOGLE_APPLICATION_CREDENTIALS`, the path of a service account's
      key: only service accounts can sign.
    - Azure: `az://container`; `AZURE_STORAGE_ACCOUNT_NAME`, `AZURE_STORAGE_ACCOUNT_KEY`. Only for inputs and for
      `musicai_sdk.batch`, which uploads results itself: Azure requires a header `x-ms-blob-type` on uploads, which the
      service isn't known to send, so `copy_results_to` is refused before anything is paid for.

Whole catalogues:
    `batch.run(GenerateChords, Bucket("s3://songs"), Bucket("s3://music/chords"), ledger="chords.sqlite3")`. Objects are
    identified by ETag and size, so renamed ones are skipped; their URLs are signed again for each job. Each track has the
    folder `<prefix>/<its path without extension>`, with `workflow.results.json` in it. Outputs that the service didn't write
    there, because a slug alone declares none, are copied through a temporary file. The job is deleted after every object was
    looked up and has the recorded size and ETag.

Downloads check sizes, and on S3 the MD5 digest if the ETag is one: it isn't for multipart uploads and for objects encrypted
with your own key. CORS rules don't matter, because no browser is involved.

For developers: this room uses `models`, `workflows` and `errors`; `batch` and `cli` use it, and `client` only calls the
methods of a bucket that it is given. `bucket.py` has the class, `store.py` is the only module that knows obstore's
options and errors, `objects.py` parses URLs, `outputs.py` names objects. To add a kind of storage, add its scheme to
`SCHEMES` in `objects.py` and say in `Bucket.takes_uploads` whether a plain PUT works.
"""

from __future__ import annotations

from musicai_sdk.storage.bucket import Bucket
from musicai_sdk.storage.errors import ObjectNotFoundError, StorageError
from musicai_sdk.storage.objects import StoredObject

__all__ = ["Bucket", "ObjectNotFoundError", "StorageError", "StoredObject"]
