"""Handles refusals by their class and by their text."""

# pyright: basic

import os
import sys
from collections.abc import Callable

import requests

from musicai_sdk.compat import MusicAiClient

NOBODY = "00000000-0000-4000-8000-000000000000"
client = MusicAiClient(api_key=os.environ["MUSIC_AI_API_KEY"], job_monitor_interval=0.1)
client.base_url = os.environ["MUSIC_AI_BASE_URL"]


def job_or_none(job_id: str) -> object:
    try:
        return client.get_job(job_id)
    except requests.HTTPError as error:
        if "404" in str(error):
            return None
        raise


print(job_or_none(NOBODY))
calls: tuple[Callable[[], object], ...] = (
    lambda: client.get_job(NOBODY),
    lambda: client.get_job_status(NOBODY),
    lambda: client.delete_job(NOBODY),
    lambda: client.wait_for_job_completion(NOBODY),
    lambda: client.add_job("job", "nobody/nothing", {}),
    lambda: client.download_job_results(NOBODY, "out"),
)
for call in calls:
    try:
        print("answered", call())
    except requests.exceptions.HTTPError as error:
        print("HTTPError", error, error.response, error.args == (str(error),))
        print(isinstance(error, OSError), isinstance(error, requests.RequestException))
try:
    client.upload_file("no such file.mp3")
except FileNotFoundError:
    print("no file")

wrong = MusicAiClient(api_key="a-wrong-key")
wrong.base_url = client.base_url
calls = (
    lambda: wrong.get_application_info(),
    lambda: wrong.list_jobs(),
    lambda: wrong.list_workflows(),
    lambda: wrong.upload_file(sys.argv[1]),
    lambda: wrong.add_job("job", "sdk-test", {}),
)
for call in calls:
    try:
        print("answered", call())
    except requests.HTTPError as error:
        print(error, "401" in str(error))
try:
    client.download_file(client.base_url + "/nothing", "out/file")
except requests.HTTPError as error:
    print(str(error)[:27])
