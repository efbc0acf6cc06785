"""The client in simulated time: a whole day of waiting, faults and kills takes a few milliseconds.

The client's logic awaits nothing but the `IO` protocol (`musicai_sdk._io.protocol`). Here that protocol is implemented on
a clock that jumps from event to event (`world`), against a service in memory (`service`) over a network that fails (`io`).
A seed determines everything: the quirks of the service, the faults, where programs are killed, what other programs do. So
every failure can be reproduced.

Callers (`scenarios`) use the client as a careful program does, restart after a kill, and record the results of their
calls. At the end, `invariants` compares these with the state of the service. `core` runs one seed; `scripts/simulate` runs
many, `test_core` runs some, and always those in `seeds.txt`. Add a seed that revealed a bug to that file.

`batch` does the same for whole batches: asyncio runs on a loop in simulated time (`loop`), with a real ledger and real files,
and a service that stores files (`studio`). A killed run leaves the disk as it was at that moment.

No part of the client is replaced, and nothing here depends on its internals.
"""
