"""The program of scripts/generate."""

from __future__ import annotations

import argparse
import difflib
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from _import_rules import rules
from _surface import surface
from _sync_twins import twins

from musicai_sdk._platform import escape_unencodable
from musicai_sdk.codegen.builtin import FILE, builtin_text
from musicai_sdk.codegen.emit import Style, exported_names, module_text
from musicai_sdk.codegen.exports import RESULTS, result_schema
from musicai_sdk.codegen.schema import WorkflowSchema, format_schema, read_workflows

ROOT = Path(__file__).parents[1]
SCHEMAS = ROOT / "schemas"
PACKAGE = ROOT / "src" / "musicai_sdk" / "workflows"
RESOURCES = ROOT / "src" / "musicai_sdk" / "resources"
STYLE = Style(
    title="Typed classes of the service's known workflows (`music-ai/…`); an account may lack some.",
    origin="from schemas/workflows: edit those, and run scripts/generate.",
    line_length=110,
    workflows_module="musicai_sdk.workflows.base",
)


def generated() -> Iterator[tuple[Path, str]]:
    """Every generated file with its text."""
    yield from rules()
    yield SCHEMAS / "workflows" / "workflow.schema.json", json_text(format_schema())
    for content in RESULTS:
        yield SCHEMAS / "results" / f"{content}.json", json_text(result_schema(content))
    workflows = list(read_workflows((SCHEMAS / "workflows").glob("*.json")).values())
    yield PACKAGE / "templates.py", module_text(workflows, STYLE)
    yield ROOT / "src" / "musicai_sdk" / "codegen" / FILE, builtin_text(workflows)
    yield PACKAGE / "__init__.py", exporting((PACKAGE / "__init__.py").read_text("utf-8"), workflows)
    rooms = ("account", "files", "jobs", "legacy", "lists")
    sources = [ROOT / "src" / "musicai_sdk" / "client.py", *(RESOURCES / f"{room}.py" for room in rooms)]
    yield from twins({source: RESOURCES / "_sync" / source.name for source in sources}, ROOT)
    # Last: it imports the twins, which have been written by now.
    yield ROOT / "tests" / "typing" / "public_surface.txt", surface()


def json_text(schema: object) -> str:
    return json.dumps(schema, ensure_ascii=False, indent=2) + "\n"


def exporting(text: str, workflows: list[WorkflowSchema]) -> str:
    """The text of the package's `__init__.py` with the generated classes in its imports and in `__all__`."""
    names = exported_names(workflows)
    start = "    from musicai_sdk.workflows.templates import (\n"
    text = re.sub(
        re.escape(start) + r".*?    \)\n",
        start + "".join(f"        {name},\n" for name in names) + "    )\n",
        text,
        flags=re.DOTALL,
    )
    found = re.search(r"^_BASE = \{(.*?)^\}", text, flags=re.DOTALL | re.MULTILINE)
    assert found is not None
    everything = sorted({*names, *re.findall(r'"(\w+)":', found[1])}, key=lambda name: (name.islower(), name))
    listed = "".join(f'    "{name}",\n' for name in everything)
    return re.sub(r"^__all__ = \[.*?^\]", f"__all__ = [\n{listed}]", text, flags=re.DOTALL | re.MULTILINE)


def main() -> int:
    escape_unencodable()
    parser = argparse.ArgumentParser(prog="scripts/generate")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a file would change")
    check: bool = parser.parse_args().check
    changed = 0
    for path, text in generated():
        before = path.read_text("utf-8") if path.exists() else ""
        if before == text:
            continue
        changed += 1
        name = str(path.relative_to(ROOT))
        if check:
            lines = difflib.unified_diff(
                before.splitlines(keepends=True), text.splitlines(keepends=True), name, f"{name} (generated)"
            )
            sys.stdout.writelines(lines)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
            print("wrote", name)
    if check and changed:
        print(f"{changed} generated files differ: run scripts/generate", file=sys.stderr)
        return 1
    print("everything generated is up to date" if not changed else f"{changed} files written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
