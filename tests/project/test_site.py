"""`scripts/docs`: every page exists, no link is broken, and every page fits a phone, light and dark."""

from __future__ import annotations

import ast
import html
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.browsers import chromium, logged, run, text, until

ROOT = Path(__file__).parents[2]
BUILD = ROOT / "scripts" / "_docs" / "build.py"
SHOWN = ("index.html", "guides/failures.html", "musicai_sdk/compat.html", "musicai_sdk/batch.html")

FAINT = """[...document.querySelectorAll("body *")].filter(element => {
    if (![...element.childNodes].some(node => node.nodeType === 3 && node.data.trim())) return false;
    if (element.closest(".visually-hidden") || !element.getClientRects().length) return false;
    const rgba = text => text.match(/[\\d.]+/g).map(Number);
    const light = color => color.slice(0, 3).map(c => c / 255)
        .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
        .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
    let behind = element;
    while (behind && rgba(getComputedStyle(behind).backgroundColor)[3] === 0) behind = behind.parentElement;
    const [a, b] = [rgba(getComputedStyle(element).color),
                    rgba(getComputedStyle(behind ?? document.body).backgroundColor)].map(light);
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) < 4.5;
}).map(element => element.outerHTML.slice(0, 200))"""
"""Elements whose text has a contrast below 4.5:1, as WCAG computes it."""


def build(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", str(BUILD), str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=250)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("site") / "docs"
    done = build(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder, done.stdout


@pytest.fixture(scope="module")
def site(built: tuple[Path, str]) -> Path:
    return built[0]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as browser:
        yield browser


def show(browser: Any, page: Path, *, width: int = 1280, scheme: str = "light") -> None:
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    browser.get(page.as_uri())


def test_the_summary_of_a_build(built: tuple[Path, str]) -> None:
    folder, printed = built
    pages = len([*folder.rglob("*.html")])
    first, last = printed.splitlines()
    assert first == f"Building the documentation in {folder}"
    assert last.startswith(f"{pages} pages, ")
    assert " internal links, 0 of them broken. " in last
    assert pages >= 19


def test_broken_links_are_found(site: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    good, bad = ["#here", "page.html#here", "https://example.com/x"], ["#gone", "gone.html", "page.html#gone"]
    page.write_text("<p id=here>" + "".join(f'<a href="{link}">x</a>' for link in (*good, *bad)))
    command = [sys.executable, "-c", "import sys, links; print(links.broken_links(links.Path(sys.argv[1])))"]
    done = subprocess.run(
        [*command, tmp_path], cwd=BUILD.parent, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == str((5, [f"page.html: {link}" for link in bad]))


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    done = build(tmp_path)
    assert done.returncode == 2
    assert "Name another folder" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_llms_txt_names_every_page(site: Path) -> None:
    text = (site / "llms.txt").read_text("utf-8")
    assert text.startswith("# musicai-sdk documentation\n\n> ")
    for page in site.rglob("*.html"):
        assert f"]({page.relative_to(site).as_posix()}): " in text
    everything = (site / "llms-full.txt").read_text("utf-8")
    assert "# First job" in everything
    assert "def wait_all(" in everything


def test_pages_document_inherited_and_lazily_loaded_names(site: Path) -> None:
    client = (site / "musicai_sdk.html").read_text("utf-8")
    for anchor in ("MusicAiClient.record", "MusicAiClient.close", "MusicAiClient.list_jobs", "Job.raw"):
        assert f'id="{anchor}"' in client
    assert 'id="Sandbox.reset"' in (site / "musicai_sdk" / "sandbox.html").read_text("utf-8")
    assert "<h2 " in (site / "musicai_sdk" / "batch.html").read_text("utf-8")


def test_python_blocks_are_always_marked(site: Path) -> None:
    """An indented block, or one without a language, is neither highlighted nor run by test_documentation.py."""
    for page in site.rglob("*.html"):
        for block in re.findall(r"<pre><code>(.*?)</code></pre>", page.read_text("utf-8"), re.DOTALL):
            code = html.unescape(re.sub(r"<[^>]*>", "", block))
            with pytest.raises(SyntaxError):
                ast.parse(code)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("page", SHOWN)
def test_pages_are_responsive_and_readable(browser: Any, site: Path, page: str, scheme: str) -> None:
    show(browser, site / page, width=360, scheme=scheme)
    assert run(browser, "document.documentElement.scrollWidth") <= 360
    assert run(browser, FAINT) == []
    show(browser, site / page, scheme=scheme)
    assert run(browser, "document.documentElement.scrollWidth") <= 1280
    assert run(browser, FAINT) == []
    assert logged(browser) == []


def test_the_search_finds_a_guide_and_a_method(browser: Any, site: Path) -> None:
    show(browser, site / "guides" / "speed.html")
    for words, found in (("wait_all", "Jobs.wait_all"), ("assumptions retries jitter", "guides.failures")):
        box = browser.find_element("css selector", "input[type=search]")
        box.clear()
        box.send_keys(words)
        until(lambda wanted=found: wanted in text(browser, "main"))  # type: ignore[misc]
    links = run(browser, "[...document.querySelectorAll('.search-result > a')].map(a => a.href)")
    assert (site / "guides" / "failures.html").as_uri() in links
