"""Catches wrong arguments and settings by the classes that 1.0 raised."""

# pyright: basic
# pyright: reportArgumentType=false
# mypy: ignore-errors

import os
import sys

import requests

from musicai_sdk.compat import MusicAiClient

KEY, ADDRESS = os.environ["MUSIC_AI_API_KEY"], os.environ["MUSIC_AI_BASE_URL"]


def connected(address: str) -> MusicAiClient:
    client = MusicAiClient(KEY, 0.1)
    client.base_url = address
    if hasattr(client, "max_retries"):
        client.max_retries = 0
    return client


client = connected(ADDRESS)
for call in (
    lambda: client.get_job(None),
    lambda: client.get_job(""),
    lambda: client.delete_job({"id": 5}),
    lambda: client.add_job("name", "", {}),
    lambda: client.add_job("name", "music-ai/generate-chords", [1]),
):
    try:
        print("answered", call())
    except requests.HTTPError as error:
        print("HTTPError", isinstance(error, OSError), error.response)
try:
    client.add_job("name", "sdk-test", {"n": float("nan")})
except requests.exceptions.InvalidJSONError:
    print("no JSON")
for place in (".", "no such file", ""):
    try:
        client.upload_file(place)
    except OSError as error:
        print(isinstance(error, IsADirectoryError), isinstance(error, FileNotFoundError) or not place)
for url in ("anything", "ftp://host.example/file", ""):
    try:
        client.download_file(url, "./here/file")
    except requests.exceptions.RequestException as error:
        print("RequestException", isinstance(error, ValueError))
try:
    client.download_file(client.upload_file(sys.argv[1]), ".")
except OSError:
    print("not a file's path")

for name in ("CURL_CA_BUNDLE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"):
    os.environ.pop(name, None)
try:
    connected(ADDRESS).get_application_info()
except requests.exceptions.SSLError as error:
    print("SSLError", isinstance(error, requests.ConnectionError))
os.environ["REQUESTS_CA_BUNDLE"] = "/no/such/file.pem"
try:
    connected(ADDRESS).get_application_info()
except OSError:
    print("no certificates")
del os.environ["REQUESTS_CA_BUNDLE"]
os.environ["NO_PROXY"] = ""
os.environ["HTTPS_PROXY"] = "http://127.0.0.1:9"
try:
    connected("https://api.invalid/v1").get_application_info()
except requests.exceptions.ProxyError:
    print("ProxyError")
os.environ["HTTPS_PROXY"] = "http://127.0.0.1:port"
try:
    connected("https://api.invalid/v1").get_application_info()
except requests.RequestException as error:
    print("no proxy", isinstance(error, ValueError))
