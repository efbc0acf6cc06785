"""An S3 server in its own process, and the bucket for a test."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from musicai_sdk.storage import Bucket
from support.s3_server import ACCESS_KEY, REGION, SECRET_KEY

SERVER = Path(__file__).with_name("s3_server.py")
_ANYBODY = {"Authorization": f"AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/20260101/{REGION}/s3/aws4_request"}


@dataclass(frozen=True)
class S3:
    """A running server."""

    endpoint: str
    admin: httpx.Client

    def bucket(self, url: str = "s3://music/results", **options: object) -> Bucket:
        """A bucket on it, with credentials as options."""
        return Bucket(url, **{**self.options, **options})  # type: ignore[arg-type]

    @property
    def options(self) -> dict[str, object]:
        return {
            "endpoint": self.endpoint,
            "region": REGION,
            "access_key_id": ACCESS_KEY,
            "secret_access_key": SECRET_KEY,
        }

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables in place of the options of buckets."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": REGION,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_ALLOW_HTTP": "true",
        }

    def begin(self) -> None:
        """Removes all buckets and creates an empty one."""
        self.admin.post(f"{self.endpoint}/moto-api/reset").raise_for_status()
        self.admin.put(f"{self.endpoint}/music", headers=_ANYBODY).raise_for_status()

    def delete(self, key: str) -> None:
        self.admin.delete(f"{self.endpoint}/music/{key}", headers=_ANYBODY).raise_for_status()

    def names(self) -> list[str]:
        return sorted(each.name for each in self.bucket("s3://music").objects())


@contextmanager
def s3_server() -> Generator[S3]:
    """Runs the server."""
    command = [sys.executable, "-W", "error", str(SERVER)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        with httpx.Client() as admin:
            yield S3(f"http://127.0.0.1:{int(process.stdout.readline())}", admin)
    finally:
        process.terminate()
        process.communicate(timeout=30)
