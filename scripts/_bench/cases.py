"""The cases and their targets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from measure import IN_FLIGHT

MEGABYTE = 1024 * 1024
PEER = "musicai-sdk 1.0.4"

Figure = Literal["wall", "cpu", "requests"]


@dataclass(frozen=True, kw_only=True)
class Case:
    """An action to measure."""

    title: str
    """The title; `{size}` is replaced by the size of transfers."""
    name: str
    """The name in the programs."""
    figure: Figure = "wall"
    """The figure that has a target."""
    target: float | None = None
    """The highest allowed ratio to the peer."""
    most_memory: int | None = None
    """The highest allowed growth of the process in bytes."""
    most_requests: int | None = None
    scheme: Literal["http", "https"] = "http"
    asynchronous: bool = False
    """Whether the asynchronous client is measured, against the synchronous ones of the others."""
    count: int = 1
    """Repetitions in one measurement; all figures but requests are per repetition."""
    peer_count: int | None = None
    """Repetitions for the peer, if they take long."""
    file: Literal["source", "target", "page.json", "finished"] | None = None
    digest: Literal["md5", "crc32c", "paced"] | None = None
    """The digest that the server announces; `paced` if it limits the speed of each connection instead."""
    beside: str = PEER
    """The program to compare with."""
    slow: bool = False
    """Skipped in a quick run."""
    rehearsed: bool = False
    """Whether to run it once before, to compile byte code and load files into memory."""
    once: bool = False
    """Whether to measure it in one round only, because it takes a minute."""
    full: bool = False
    """Measured only with --full, because it takes a quarter of an hour."""

    @property
    def is_catalogue(self) -> bool:
        """Whether whole tracks are processed, by a service of their own."""
        return self.name.startswith("catalogue")


MOST_MEMORY = 8 * MEGABYTE
UPLOAD = Case(title="upload {size} MB", name="upload", target=0.35, file="source", most_memory=MOST_MEMORY)
DOWNLOAD = Case(
    title="download {size} MB", name="download", target=0.35, file="target", most_memory=MOST_MEMORY
)
GET = Case(title="GET", name="get", count=200, peer_count=100)


BARE = "six bare exchanges"
CATALOGUE = Case(
    title="a track of 1,000 files, 64 in flight",
    name="catalogue 64",
    figure="cpu",
    target=7.0,
    count=1_000,
    peer_count=1_000,
    beside=BARE,
    rehearsed=True,
)


def over_tls(case: Case, target: float | None = None) -> Case:
    return replace(case, title=f"{case.title}, TLS", scheme="https", target=target)


def asynchronous(case: Case) -> Case:
    return replace(case, title=f"{case.title}, async client", asynchronous=True, target=None)


UPLOAD_TLS, DOWNLOAD_TLS = over_tls(UPLOAD, 0.58), over_tls(DOWNLOAD, 0.50)
RESUME = Case(
    title="resume of 100,000 finished tracks, beside bare look-ups",
    name="resume",
    figure="cpu",
    target=1.5,
    file="finished",
    beside="stat of every file, one read of the ledger",
    most_memory=100 * MEGABYTE,
    slow=True,
    rehearsed=True,
)
# A request of the peer over TLS takes 25 ms and more.
GET_TLS = replace(over_tls(GET, 0.03), peer_count=20)
AT_ONCE = replace(GET, title="GET, 16 at once", name="get at once", count=320, peer_count=96)
AT_ONCE_TLS = replace(over_tls(AT_ONCE), peer_count=32)

CASES = [
    Case(title="import", name="import", figure="cpu", target=0.10, rehearsed=True),
    Case(
        title="import to first typed job, TLS",
        name="first job",
        figure="cpu",
        target=1.4,
        scheme="https",
        rehearsed=True,
    ),
    UPLOAD,
    UPLOAD_TLS,
    DOWNLOAD,
    DOWNLOAD_TLS,
    GET_TLS,
    Case(
        title="page of 100 jobs parsed, beside json.loads",
        name="parse",
        figure="cpu",
        target=1.10,
        count=200,
        file="page.json",
        beside="json.loads",
    ),
    Case(
        title="500 jobs of 1 s, 16 threads",
        name="jobs",
        target=0.05,
        most_requests=530,
        count=500,
        slow=True,
        once=True,
    ),
    Case(
        title="musicai --help, beside bare click",
        name="help",
        figure="cpu",
        target=2.0,
        beside="bare click",
        rehearsed=True,
    ),
    GET,
    replace(asynchronous(GET), target=0.55),
    asynchronous(GET_TLS),
    AT_ONCE,
    AT_ONCE_TLS,
    asynchronous(AT_ONCE),
    asynchronous(AT_ONCE_TLS),
    *(replace(asynchronous(case), slow=True) for case in (UPLOAD, UPLOAD_TLS, DOWNLOAD, DOWNLOAD_TLS)),
    *(
        replace(
            DOWNLOAD_TLS,
            title=f"{DOWNLOAD_TLS.title}, {digest} checked",
            digest=digest,
            target=None,
            slow=True,
        )
        for digest in ("md5", "crc32c")
    ),
    replace(
        DOWNLOAD,
        title="download {size} MB from a server that limits each connection to 100 MB/s, 4 connections",
        name="parallel download",
        digest="paced",
        target=0.35,
        most_memory=64 * MEGABYTE,
    ),
    RESUME,
    replace(RESUME, title="report of 100,000 tracks, beside bare look-ups", name="report", target=0.6),
    Case(
        title="10,000 jobs waited for, simulated",
        name="wait",
        figure="requests",
        count=10_000,
        slow=True,
        once=True,
    ),
    CATALOGUE,
    replace(CATALOGUE, title="a track of 10,000 files, 64 in flight", count=10_000, slow=True, once=True),
    replace(
        CATALOGUE,
        title="a track of 100,000 files, 64 in flight",
        count=100_000,
        slow=True,
        once=True,
        full=True,
    ),
    *(
        replace(
            CATALOGUE,
            title=f"a track of 7,000 URLs, {in_flight:,} in flight",
            name=f"catalogue of URLs {in_flight}",
            count=7_000,
            slow=True,
            once=True,
        )
        for in_flight in IN_FLIGHT
    ),
]
