"""Goes on when the service can't be reached, or is slow."""

import os
import socket

import requests
from requests.exceptions import ConnectionError, Timeout

from musicai_sdk.compat import MusicAiClient

client = MusicAiClient(os.environ["MUSIC_AI_API_KEY"], timeout=(3.05, 0.5))
print(client.timeout)

with socket.socket() as listening:
    listening.bind(("127.0.0.1", 0))
    listening.listen()
    # It takes connections and says nothing.
    client.base_url = f"http://127.0.0.1:{listening.getsockname()[1]}/v1"
    for timeout in (0.2, (5, 0.2), (0.1, 0.3)):
        try:
            print(client.get_application_info(timeout=timeout))
        except Timeout as error:
            print("Timeout", isinstance(error, requests.ReadTimeout), isinstance(error, ConnectionError))

try:
    client.get_application_info()
except ConnectionError as error:
    print("ConnectionError", isinstance(error, Timeout), isinstance(error, requests.HTTPError))

client = MusicAiClient(os.environ["MUSIC_AI_API_KEY"])
client.base_url = os.environ["MUSIC_AI_BASE_URL"]
print(
    client.get_application_info(timeout=(3.05, 27))["name"], client.get_application_info(timeout=None)["name"]
)
