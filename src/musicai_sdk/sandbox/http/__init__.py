"""The server: connections, TLS, faults and quirks on the wire, the admin endpoint, and the log of requests.

`app` routes a request to the API, the storage or the dashboard; `middleware` stands around it. `lifecycle` puts
the parts together; other parts import only `errors`, the constants of `middleware`, and `request_log`.
"""
