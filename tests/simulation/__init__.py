"""The client in simulated time: a whole day of waiting, faults and kills takes a few milliseconds.

The client's logic awaits nothing but the `IO` protocol (`musicai_sdk._io.protocol`). Here that protocol is implemented on
a clock that jumps from event to event (`world`), against a service in memory (`service`) over a network that fails (`io`).
A seed decides everything: the service's oddities, the faults, who is killed where, what other programs do meanwhile. So
a seed that goes wrong goes wrong every time.

Callers (`scenarios`) use the client as a careful program does, start again when they were killed, and note what they
were told. At the end `invariants` compares that with what the service knows. `core` runs one seed; `scripts/simulate`
runs many, `test_core` some, and those of `seeds.txt` always: a seed that once showed a bug is added there.

`batch` does the same for whole batches: asyncio runs on a loop in simulated time (`loop`), with a real ledger and real files,
and a service that stores files (`studio`). A killed run leaves the disk as it was at that moment.

Nothing of the client is replaced, and nothing here knows how it works inside.
"""
