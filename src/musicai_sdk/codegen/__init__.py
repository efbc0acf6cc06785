"""Typed classes for the workflows of your own account.

The service tells names and slugs of workflows, and not what they take and give. `discover` learns that from the jobs
that have finished, and writes a package of typed classes like those in `musicai_sdk.workflows`:

```python
from musicai_sdk import MusicAiClient
from musicai_sdk.codegen import discover

with MusicAiClient() as client:
    discover(client, "our_workflows")  # then: from our_workflows import AcmeMastering
```

Beside the module lies one JSON file per workflow. It may be edited (names, descriptions, choices, defaults) and
belongs under version control; the next `discover` keeps what was edited and adds what is new. `write_module` makes the
module from the files alone.
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
