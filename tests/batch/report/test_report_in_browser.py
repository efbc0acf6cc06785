"""The report of a run in a real browser, from the disk: figures, players, links of difficult names, the list."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest
import soundfile

from musicai_sdk.batch import Batch, write_report
from musicai_sdk.sandbox import Sandbox
from support.browsers import chromium, logged, run, text, until

NASTY = (
    '"quoted" and \'quoted\'', "100% #1?&=+;", "%41 is not A", "<b>bold", "&amp;", "\u05d0\u05d1 \u202egnp", "日本 é", "a\\b",
    "`${1}`", "two\nlines", "javascript:alert(1)",
)  # fmt: skip
FAILS = "</script>fails"
MANY = 50
SECONDS = 5


@dataclass(frozen=True)
class Ran:
    """A run, and its report."""

    source: Path
    out: Path
    page: Path


@pytest.fixture(scope="module")
def ran(running_sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """Short recordings with difficult and with plain names, one of which fails; the report is beside the results."""
    folder = tmp_path_factory.mktemp("report #1 %20")
    source, out = folder / "in", folder / "out"
    for number, name in enumerate((FAILS, *NASTY, *(f"album/song {number}" for number in range(MANY)))):
        path = source / f"{name}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, np.full(SECONDS * 8000 + number, 0.1), 8000)
    (source / "empty<i>.wav").write_bytes(b"")
    running_sandbox.faults.add("POST /job", nth=1, job_error="BAD_INPUT")
    first, *_, ledger = [
        Batch(
            "sdk-test", inputs, out, input_name="file", in_flight=20, poll_interval=0.2,
            connect=running_sandbox.async_client,
        ).run().ledger
        for inputs in (source / f"{FAILS}.wav", source)
    ]  # fmt: skip
    running_sandbox.reset()
    assert first == ledger
    return Ran(source, out, write_report(ledger, folder / "report.html"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def page(browser: Any, ran: Ran) -> Iterator[Any]:
    """The report, opened; a test fails if it had an error in its console."""
    logged(browser)
    browser.get(ran.page.as_uri())
    assert run(browser, "document.documentElement.dataset.ready") == "true"
    yield browser
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert logged(browser) == []


def names(browser: Any) -> list[str]:
    """What the list of tracks shows."""
    found: list[str] = run(
        browser, "[...document.querySelectorAll('#tracks .name')].map((each) => each.textContent)"
    )
    return found


def choose(browser: Any, field: str, value: str) -> None:
    run(
        browser,
        "((field, value) => { field.value = value; field.dispatchEvent(new Event('input', {bubbles: true})) })"
        "(document.querySelector('.filters').elements[arguments[0]], arguments[1])",
        field,
        value,
    )


def test_the_contents(page: Any) -> None:
    total = len(NASTY) + 1 + MANY
    assert text(page, ".headline").startswith(f"{total - 1} of {total} tracks have their results.")
    assert text(page, ".legend").split() == ["done", str(total - 1), "failed", "1"]
    widths = run(
        page, "[...document.querySelectorAll('.bar rect')].map((each) => each.getBoundingClientRect().width)"
    )
    assert widths[0] / widths[1] == pytest.approx(total - 1, rel=0.02)
    assert "At the service" in text(page, "table")
    failures = text(page, "#failures")
    assert "BAD_INPUT" in failures
    assert "Tried once." in failures
    assert "</script>fails.wav" in failures
    assert "--retry-failed" in failures
    assert "empty<i>.wav" in text(page, "#rejected")
    assert run(page, "document.querySelectorAll('main i, main img, main script').length") == 0
    assert "UTC" not in text(page, ".when"), "times are in the reader's time zone"


def test_players_play_outputs(page: Any) -> None:
    state = "[...document.querySelectorAll('#tracks audio')].map((each) => [each.preload, each.readyState])"
    assert all(each == ["none", 0] for each in run(page, state)), "players load nothing before playback"
    player = "document.querySelectorAll('#tracks audio')"
    for number in (3, 4):
        # As by a click: pages may not begin to play by themselves.
        pressed = {"expression": f"void {player}[{number}].play()", "userGesture": True}
        page.execute_cdp_cmd("Runtime.evaluate", pressed)
        until(partial(run, page, f"{player}[{number}].currentTime > 0"))
        assert run(page, f"{player}[{number}].duration") == pytest.approx(SECONDS, abs=0.02)
    assert run(page, f"[{player}[3].paused, {player}[3].ended]") == [True, False], "one at a time"
    page.refresh()


def test_links_with_special_characters_work(page: Any, ran: Ran) -> None:
    links = set[str]()
    for button in range(1, 4):
        links |= set(
            run(page, "[...document.querySelectorAll('#tracks .outputs a')].map((each) => each.href)")
        )
        run(page, "void document.querySelectorAll('#tracks nav button')[1].click()")
        assert text(page, "#tracks nav span").startswith(f"{min(button, 2) * 25 + 1} to ")
    found = {Path(unquote(urlsplit(link).path)) for link in links}
    assert all(urlsplit(link)[3:] == ("", "") for link in links), "no query and no fragment"
    assert found == {path for path in ran.out.rglob("*") if path.is_file() and path.parent != ran.out}
    assert len(found) == 2 * (len(NASTY) + MANY)


def test_the_list_can_be_searched_sorted_and_reversed(page: Any) -> None:
    total = len(NASTY) + 1 + MANY
    assert len(names(page)) == 25
    assert text(page, "#tracks h2") == f"Tracks {total}"
    choose(page, "find", "SONG 4")
    until(lambda: len(names(page)) == 11)
    assert text(page, "#tracks h2") == f"Tracks 11 of {total}"
    choose(page, "order", "name")
    until(
        lambda: names(page) == ["album/song 4.wav", *(f"album/song {number}.wav" for number in range(40, 50))]
    )
    choose(page, "find", "bad_input")
    until(lambda: names(page) == ["</script>fails.wav"])
    choose(page, "find", "nobody")
    until(lambda: text(page, "#nothing") == "No track matches.")
    choose(page, "find", "")
    run(page, "void document.querySelector('.legend [data-state=failed]').click()")
    until(lambda: names(page) == ["</script>fails.wav"])
    choose(page, "state", "")
    choose(page, "find", "100% #1?&=+;")
    until(lambda: names(page) == ["100% #1?&=+;.wav"])


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1200])
def test_the_layout_is_responsive_and_readable(page: Any, scheme: str, width: int, tmp_path: Path) -> None:
    for name, value in (("setDeviceMetricsOverride", {"width": width, "height": 1400, "deviceScaleFactor": 1, "mobile": False}),
                        ("setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})):  # fmt: skip
        page.execute_cdp_cmd(f"Emulation.{name}", value)
    assert run(page, "document.documentElement.scrollWidth") <= width
    bright = run(page, "getComputedStyle(document.body).backgroundColor.match(/\\d+/g)")[:3]
    assert (sum(map(int, bright)) > 600) == (scheme == "light")
    unnamed = "[...document.querySelectorAll('audio, button, input, select, svg[role]')].filter((each) => !(each.ariaLabel || each.innerText || each.labels?.length)).length"
    assert run(page, unnamed) == 0
    assert page.save_screenshot(str(tmp_path / "report.png"))
