"""Results: where they are stored, the folder of each track, and the checks after which a job may be deleted.

Modules:
    `output` a result file as recorded · `destination` a folder or a bucket: fetches and verifies · `verify` files on a disk ·
    `folder_names`, `folders` a valid and unique folder for each track · `ownership` one ledger for each output folder ·
    `presence` whether results of earlier runs still exist.

Who may import it:
    Every room of batch. `ownership` imports the ledger; the other modules import only its values (`states`, `track`, `sql`).

Adding a destination:
    A class beside `FolderDestination` with the same methods, added to `Destination`, and chosen by `destination_for`. Its
    `fetch` and `verified` must prove that the results are durable, because the job is deleted next.
"""
