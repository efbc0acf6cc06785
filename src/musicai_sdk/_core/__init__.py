"""The logic of the client, written once as coroutines that await nothing but `musicai_sdk._io.IO`."""
