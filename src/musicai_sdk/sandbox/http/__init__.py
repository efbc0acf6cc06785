"""The server: connections, TLS, faults and quirks on the wire, the admin endpoint, and the request log.

`app` routes a request to the API, the storage or the dashboard; `middleware` wraps `app`. `lifecycle` builds the server
from these parts. Other rooms import only `errors`, the constants of `middleware`, and `request_log`.
"""
