"""Tests of `musicai_sdk.mcp`. The folder isn't called `mcp`: on the path of the tests that would hide the package `mcp`."""
