"""Your own storage: results go to a bucket, and inputs may come from one (extra `storage`).

```python
from musicai_sdk.storage import Bucket

bucket = Bucket("s3://music/results")
job = client.jobs.run(IsolateDrums(input_url=song), copy_results_to=bucket)
bucket.outputs(job)                                       # {"Kick drum": StoredObject(…), …}
client.jobs.download(job, "drums", storage=bucket)        # fetched from there, verified
client.files.download(bucket.resolve(job).result.kick_drum, "kick.wav")
```

The service writes the results there itself: `create` signs one upload URL (PUT) for each file output that the
workflow's class declares. Nothing passes through this machine, and the service never sees your credentials.

Which outputs:
    All that are declared; `bucket.for_outputs(["kick_drum", "snare_drum"])` sends these to the bucket and leaves the
    others in the service's storage. A `CustomWorkflow` declares none, so they have to be named. In the result, outputs
    that went to a bucket are `CUSTOM_STORAGE`.

Where they are:
    `<prefix>/<idempotency key of the job>/<output>`, such as `results/0f3a…/Kick drum`. The key is in the job's
    metadata, so any process that has the job finds its objects, with nothing else written down; and a `create` that is
    repeated under the same `idempotency_key` means the same objects, so it is the same request. A name that isn't
    valid everywhere (`a/b`) is made safe, with a digest behind it. JSON outputs end in `.json`; whether a stem is WAV
    or MP3 isn't known when the URL is signed, so `for_outputs({"Vocals": ".wav"})` says it where it matters. The
    `Content-Type` is what the service sends. `bucket.in_folder("albums/blue/01")` chooses another folder for one job.

Inputs:
    `bucket.input("songs/a.wav")` is a signed URL (GET) for a workflow's input; `bucket.objects("*.wav")` lists.

How long URLs are good:
    12 hours, or `Bucket(…, expires=seconds)` up to a week, counted from the moment of signing: uploading inputs, the
    service's queue and the processing have to fit in. When one has expired the service can't write, and the job ends as
    FAILED, with `BAD_INPUT` in the sandbox. URLs that were signed with temporary credentials (a role, a session token)
    die with these, however long they were asked for: give long runs credentials that last.

Credentials:
    From the environment, or as options of the same names as in obstore; they never show in a `repr`, a log or an error,
    and aren't pickled: workers have an environment of their own. Files such as `~/.aws/credentials` aren't read; for
    profiles and single sign-on give `credential_provider=obstore.auth.boto3.Boto3CredentialProvider()`.

    - S3: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, `AWS_REGION`; on Amazon's machines their
      role. What speaks S3 (MinIO, R2, …) is `Bucket("s3://music", endpoint="https://minio.example")`, or
      `AWS_ENDPOINT_URL`. Permissions: GetObject, PutObject, ListBucket.
    - Google: `gs://music`; `GOOGLE_SERVICE_ACCOUNT` or `GOOGLE_APPLICATION_CREDENTIALS`, the path of a service account's
      key: only a service account can sign.
    - Azure: `az://container`; `AZURE_STORAGE_ACCOUNT_NAME`, `AZURE_STORAGE_ACCOUNT_KEY`. As inputs and for
      `musicai_sdk.batch` only: Azure takes no upload without a header `x-ms-blob-type`, which the service isn't known to
      send, so `copy_results_to` is refused before anything is paid for. A batch brings results there itself.

Whole catalogues:
    `batch.run(GenerateChords, Bucket("s3://songs"), Bucket("s3://music/chords"), ledger="chords.sqlite3")`. Objects are
    known by ETag and size, so renamed ones are skipped; their URLs are signed for each job anew. Each track has the
    folder `<prefix>/<its path without extension>`, with `workflow.results.json` in it. What the service didn't write
    there, because a slug alone declares no outputs, is brought there through a temporary file. The job is deleted when
    every object was looked up and has the size and ETag that were written down.

Fetching checks sizes, and on S3 the MD5 digest where the ETag is one: not of multipart uploads and not of objects
encrypted with a key of your own. Browsers' rules (CORS) don't matter: no browser takes part.
"""

from __future__ import annotations

from musicai_sdk.storage.bucket import Bucket
from musicai_sdk.storage.errors import ObjectNotFoundError, StorageError
from musicai_sdk.storage.objects import StoredObject

__all__ = ["Bucket", "ObjectNotFoundError", "StorageError", "StoredObject"]
