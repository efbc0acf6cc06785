"""Settings as attributes, and the helpers of the package."""

import inspect
import os

from musicai_sdk.compat import MusicAiClient
from musicai_sdk.compat.client import MusicAiClient as SameClient
from musicai_sdk.compat.utils import (
    extract_file_extension_from_url,
    extract_name_from_url,
    get_user_agent,
    get_version,
)

address = os.environ.pop("MUSIC_AI_BASE_URL")
print(SameClient is MusicAiClient)
client = MusicAiClient(os.environ["MUSIC_AI_API_KEY"])
print(client.base_url, client.job_monitor_interval, client.save_output_to_folder, client.timeout)
print(sorted(client.get_headers()), client.get_headers()["Authorization"] == client.api_key)
print(client.user_agent == get_user_agent(), client.user_agent.split("/")[:2], get_version().count("."))
client.base_url = address
client.job_monitor_interval = 1
client.timeout = 30
print(client.timeout, client.job_monitor_interval, client.get_application_info()["name"])
client.timeout = None
print(client.timeout, client.get_application_info(None)["name"])
given = MusicAiClient(
    api_key="key", job_monitor_interval=5, save_output_to_folder=False, user_agent="mine/1", timeout=9
)
print(given.api_key, given.job_monitor_interval, given.save_output_to_folder, given.user_agent, given.timeout)
print(given.get_headers())
print(get_user_agent("My-App", "3.2"), get_user_agent(version="1").split(" ")[0])
for url in (
    "https://a.example/b/Kick%20drum.wav?sig=1.2",
    "https://a.example/b/c.tar.gz",
    "https://a.example/plain",
):
    print(extract_name_from_url(url), extract_file_extension_from_url(url))
for name in (
    *("upload_file", "get_job", "get_job_status", "list_jobs", "add_job", "delete_job", "list_workflows"),
    *(
        "wait_for_job_completion",
        "get_application_info",
        "download_job_results",
        "download_file",
        "get_headers",
    ),
):
    print(name, list(inspect.signature(getattr(MusicAiClient, name)).parameters))
print(list(inspect.signature(MusicAiClient).parameters)[:5])
