"""The ledger: a SQLite file with the state of every track, written to disk before the next step that costs money.

Modules, from the bottom up:
    `states` the table of states · `track` a track's row · `schema`, `sql`, `queries`, `files` tables, statements, paths
    · `connection` SQLite's errors, and the check for damage · `database` opening the file · `upgrade`, `legacy_identity` ledgers of older versions · `attempts` every paid POST
    · `spending` their cost, and the check against the budget · `admission` inputs and their tracks · `lock`, `processes`,
    `claim` which run may use the ledger, with which output folder · `ledger` the open ledger of a run · `group_commit`
    writes from coroutines · `view` reading a ledger, also during a run.

Who may import it:
    Every room of batch; outside of batch, `cli` only `states` and `mcp` only `track`. Of the other rooms it imports values
    (`inputs.row`, `inputs.kinds`, `results.folder_names`, `results.folders`, `results.output`) and `engine.decide`; `view`
    also `results.destination` and `results.presence`, to check results. Nothing here sends requests.

Adding a state, in at most four files:
    1. `states`: its name in `State`, at its place in the order of processing, and its row in `TABLE`. The row has the
       properties of the state and the allowed next states; displays, plans, `decide`, reports and the command line read
       this table. Add it to `next` of the states that it follows, and to `ANSWERED` if only an answer of the service
       leads to it.
    2. `engine/steps`: the step that enters it and the one that leaves it, called in `Pipeline.advance`.
    3. `report/page.css`: the colour of its bar.
    4. `attempts.record`, only if entering or leaving it says something new about a paid POST.
    `tests/batch/ledger/test_states.py` and `tests/batch/engine/test_decide.py` walk through the table and check the new row.

Adding a column of `tracks`:
    The field in `track.Track`, last and with a default; a new `schema.VERSION`; the `ALTER TABLE` in `upgrade.upgrade`.
"""
