"""Typed classes for the workflows of your own account.

The service publishes the names and slugs of workflows, but not their inputs and outputs. `discover` infers those from
finished jobs, starting from the built-in description of a slug if there is one, and writes a package of typed classes
like those in `musicai_sdk.workflows`:

```python
from musicai_sdk import MusicAiClient
from musicai_sdk.codegen import discover

with MusicAiClient() as client:
    discover(client, "our_workflows")  # then: from our_workflows import AcmeMastering
```

Beside the module is one JSON file per workflow. It may be edited (names, descriptions, choices, defaults) and belongs
under version control: the next `discover` keeps the edits and adds what is new. A workflow without a finished job is
marked `unseen`, in its file and in the docstring of its class. `write_module` makes the module from the files alone.

The room: `discovery` reads the account, `infer` finds inputs and outputs in jobs, `merge` combines them with earlier
descriptions (`schema`, `builtin`), `emit` writes the module, with the names of `names` and the layout of `layout`. It uses
the public client; the command line and scripts/generate import it. To add a kind of content, add its type to `contents`.
"""

from __future__ import annotations

from musicai_sdk.codegen.discovery import discover, discover_async
from musicai_sdk.codegen.emit import Style, module_text
from musicai_sdk.codegen.files import write_module
from musicai_sdk.codegen.schema import (
    WorkflowInput,
    WorkflowOutput,
    WorkflowSchema,
    format_schema,
    read_workflow,
    read_workflows,
)

__all__ = [
    "Style",
    "WorkflowInput",
    "WorkflowOutput",
    "WorkflowSchema",
    "discover",
    "discover_async",
    "format_schema",
    "module_text",
    "read_workflow",
    "read_workflows",
    "write_module",
]
