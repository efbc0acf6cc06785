"""Tests of `musicai_sdk.mcp`. A folder `mcp` on the path of the tests would hide the package of that name."""
