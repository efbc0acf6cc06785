"""What scripts/docs runs: the README, the guides, the docstrings and the changelog as a static site."""

from __future__ import annotations

import argparse
import re
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from textwrap import dedent
from types import ModuleType
from typing import Any, NamedTuple, cast

import pdoc
import pdoc.doc
import pdoc.doc_types
import pdoc.render
import pdoc.render_helpers
from jinja2 import pass_context
from jinja2.runtime import Context
from links import broken_links
from markupsafe import Markup
from pygments.formatters import HtmlFormatter

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE.parent))

from _surface import MODULES, surface  # noqa: E402 - found by the line above

MARK = "musicai-sdk documentation"
"""What the first line of llms.txt says: a folder with another one is not overwritten."""


class Page(NamedTuple):
    """An entry of the navigation: a module with its docstring, or a Markdown file."""

    title: str
    name: str
    """The module's name. A page made of Markdown has one too: `guides.first-job` becomes `guides/first-job.html`."""
    source: Path | None
    """The Markdown file, for a page that is not a module's."""
    summary: str

    @property
    def url(self) -> str:
        return self.name.replace(".", "/") + ".html"


def guide(name: str, title: str, summary: str) -> Page:
    return Page(title, f"guides.{name}", HERE / "guides" / f"{name}.md", summary)


def module(name: str, title: str, summary: str) -> Page:
    return Page(title, name, None, summary)


START = Page("Start", "index", ROOT / "README.md", "what it is, and the first lines")
GUIDES = (
    guide("first-job", "First job", "from a key, or the sandbox, to typed results"),
    module("musicai_sdk.workflows", "Own workflows", "workflows as classes"),
    module("musicai_sdk.codegen", "Generated workflow classes", "typed classes learned from finished jobs"),
    module("musicai_sdk.batch", "Catalogues and money", "runs that resume, and what they guarantee"),
    module("musicai_sdk.storage", "Own storage", "results in your bucket, inputs from it"),
    module("musicai_sdk.sandbox", "The sandbox", "the API on your own machine"),
    module("musicai_sdk.testing", "Testing", "pytest fixtures"),
    module("musicai_sdk.compat", "Moving from 1.0", "old programs by one import, and call by call"),
    module("musicai_sdk.errors", "Errors", "the tree of exceptions"),
    guide("failures", "When something fails", "what the client does, and what you see"),
    guide("speed", "Speed", "many jobs at once, and where the time goes"),
    module("musicai_sdk.mcp", "Agents", "a server of the Model Context Protocol"),
    module("musicai_sdk.cli", "Command line", "the `musicai` command and its exit codes"),
)
CHANGELOG = Page(
    "Changelog", "changelog", ROOT / "src" / "musicai_sdk" / "CHANGELOG.md", "what changed, and what may"
)


def reference() -> list[Page]:
    """The public modules that are not a guide."""
    guides = {page.name for page in GUIDES}
    return [
        Page(name, name, None, (import_module(name).__doc__ or "").partition("\n")[0])
        for name in MODULES
        if name not in guides
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Builds the documentation as a static site.")
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / ".docs")
    folder: Path = parser.parse_args(arguments).folder
    if not may_overwrite(folder):
        print(f"{folder} holds something else than this documentation. Name another folder.", file=sys.stderr)
        return 2
    print(f"Building the documentation in {folder}")
    build(folder)
    pages = len(list(folder.rglob("*.html")))
    checked, broken = broken_links(folder)
    for link in broken:
        print(f"Broken link: {link}", file=sys.stderr)
    print(
        f"{pages} pages, {checked} internal links, {len(broken)} of them broken. Open {folder / 'index.html'}"
    )
    return 1 if broken else 0


def may_overwrite(folder: Path) -> bool:
    """Whether the folder is new, empty, or an earlier version of the site."""
    if not folder.exists():
        return True
    index = folder / "llms.txt"
    return folder.is_dir() and (
        not any(folder.iterdir()) or (index.exists() and MARK in index.read_text("utf-8"))
    )


def build(folder: Path) -> None:
    """Writes the whole site, in the place of an earlier one."""
    pages = [START, *GUIDES, *reference(), CHANGELOG]
    modules = {page.name: documented(page) for page in pages}
    configure(pages, modules)
    shutil.rmtree(folder, ignore_errors=True)
    for page in pages:
        target = folder / page.url
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(pdoc.render.html_module(modules[page.name], modules), "utf-8")
    (folder / "search.js").write_text(pdoc.render.search_index(modules), "utf-8")
    (folder / "llms.txt").write_text(llms(), "utf-8")
    (folder / "llms-full.txt").write_text(llms_full(pages, modules), "utf-8")


class Written(str):
    """An annotation as the source has it."""

    __slots__ = ()
    __repr__ = str.__str__


def as_written(annotation: Any, *_: object) -> Any:
    """Replaces pdoc's evaluation of annotations, which shows private modules where the source has a short name."""
    return Written(annotation) if isinstance(annotation, str) else annotation


@pass_context
def linkify(context: Context, code: str, namespace: str = "", **options: bool) -> Markup:
    """As pdoc's, which links dotted names only; in signatures also the public classes and aliases of the package."""
    if not options.get("shorten", True):
        return pdoc.render_helpers.linkify(context, code, namespace, **options)
    here: Any = context["module"]
    homes: dict[str, str] = context["homes"]

    def link(found: re.Match[str]) -> str:
        name = found[0]
        if name not in homes:
            return name
        home = "" if name in here.members else pdoc.render_helpers.relative_link(here.modulename, homes[name])
        return f'<a href="{home}#{name}">{name}</a>'

    return Markup(re.sub(r"<[^>]*>|&\w+;|\b[A-Z]\w+", link, code))


def configure(pages: Sequence[Page], modules: Mapping[str, Any]) -> None:
    """Sets up pdoc: our templates over its own, and what they show on every page."""
    for part in (pdoc.doc, pdoc.doc_types):
        vars(part)["safe_eval_type"] = as_written
    filters: dict[str, Any] = pdoc.render.env.filters
    filters["linkify"] = linkify
    pdoc.render.configure(docformat="google", show_source=False, template_directory=HERE / "templates")
    shown: dict[str, Any] = pdoc.render.env.globals
    dark = cast("Any", HtmlFormatter(style="github-dark"))
    shown.update(
        # Of the modules that have a name, the one with the shortest name of its own is its home.
        homes={
            name: home for home in sorted(modules, key=len, reverse=True) for name in modules[home].members
        },
        pages={page.name: page for page in pages},
        start=START,
        guides=[*GUIDES],
        reference=reference(),
        changelog=CHANGELOG,
        dark_code=dark.get_style_defs(".pdoc-code"),
    )


def documented(page: Page) -> pdoc.doc.Module:
    """The page as pdoc knows it. A Markdown file becomes the docstring of a module without members."""
    if page.source is not None:
        made = ModuleType(page.name)
        made.__dict__["__docformat__"] = "markdown"
        result = pdoc.doc.Module(made)
        result.docstring = site_links(page.source.read_text("utf-8"), page)
        return result
    imported = import_module(page.name)
    for name in getattr(imported, "__all__", ()):
        setattr(imported, name, getattr(imported, name))  # pdoc sees no names that are loaded lazily.
    result = pdoc.doc.Module(imported)
    result.docstring = with_headings(result.docstring)
    classes: list[Any] = result.classes
    for member in classes:
        member.own_members = [*member.own_members, *inherited(member)]
    return result


def inherited(member: Any) -> Iterator[pdoc.doc.Doc[Any]]:
    """What a class has from private classes of the package: no page of theirs documents it."""
    for (name, _), members in member.inherited_members.items():
        if name.startswith("musicai_sdk.") and name not in MODULES:
            yield from members


def with_headings(docstring: str) -> str:
    """A module's docstring with its indented sections as chapters, which the contents list."""
    section = re.compile(r"^([A-Z][^\n]*):\n(?=[ \t])((?:[ \t]+\S.*\n?|\n)+)", re.MULTILINE)
    return section.sub(lambda found: f"## {found[1]}\n\n{dedent(found[2]).strip()}\n\n", docstring)


def site_links(markdown: str, page: Page) -> str:
    """Links to files of the repository: those that are pages of the site lead there, others are named only."""
    homes = {source.name: other.url for other in (START, *GUIDES, CHANGELOG) if (source := other.source)}
    up = "../" * page.name.count(".")

    def link(found: re.Match[str]) -> str:
        text, path, anchor = found.groups(default="")
        home = homes.get(Path(path).name)
        return f"[{text}]({up}{home}{anchor})" if home else f"{text} (`{path}`)"

    return re.sub(r"\[([^\]\n]+)\]\(([^():#\s]+)(#[^()\s]*)?\)", link, markdown)


def llms() -> str:
    """A short map of the site for language models (llmstxt.org)."""
    lines = [
        f"# {MARK}",
        "",
        "> The Python client of the Music.AI API: upload a song, run a paid workflow on it, read typed results.",
    ]
    chapters: Mapping[str, Sequence[Page]] = {
        "Guides": (START, *GUIDES),
        "Reference": reference(),
        "Optional": (
            CHANGELOG,
            Page("Everything in one file", "llms-full", None, "all texts and signatures"),
        ),
    }
    for chapter, pages in chapters.items():
        lines += ["", f"## {chapter}", ""]
        for page in pages:
            url = "llms-full.txt" if page.name == "llms-full" else page.url
            lines.append(f"- [{page.title}]({url}): {page.summary}")
    return "\n".join(lines) + "\n"


def llms_full(pages: Sequence[Page], modules: Mapping[str, pdoc.doc.Module]) -> str:
    """All texts of the site in one file, with every public signature."""
    texts = [f"<!-- {page.url} -->\n\n{modules[page.name].docstring.strip()}\n" for page in pages]
    return "\n\n".join([*texts, f"<!-- signatures -->\n\n```text\n{surface()}```\n"])


if __name__ == "__main__":
    sys.exit(main())
