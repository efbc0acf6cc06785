"""Runs the tests on httpx2: `scripts/test -p support.httpx2_alias …`. Everything that imports httpx then gets httpx2.

A plugin, because pytest loads those of the command line before others, some of which import httpx.
"""

import httpx2

httpx2.alias_httpx()
