"""The sandbox as an object: it starts and stops the server, and gives tests a hand in what goes on."""

from __future__ import annotations

import asyncio
import random
import secrets
import socket
import ssl
import tempfile
import threading
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from uvicorn import Config, Server
from uvicorn.protocols.http.h11_impl import H11Protocol

from musicai_sdk.sandbox.answers import ApiError, api_error
from musicai_sdk.sandbox.api import PREFIXES, Api
from musicai_sdk.sandbox.catalogue import Catalogue
from musicai_sdk.sandbox.clock import Clock, iso
from musicai_sdk.sandbox.faults import Faults, Wire
from musicai_sdk.sandbox.fetching import Fetcher
from musicai_sdk.sandbox.jobs import Workers
from musicai_sdk.sandbox.journal import Journal, JournalEntry
from musicai_sdk.sandbox.objects import ObjectStore
from musicai_sdk.sandbox.signing import Signer
from musicai_sdk.sandbox.state import Application, State
from musicai_sdk.sandbox.storage import BUCKET, CDN, StorageRoutes
