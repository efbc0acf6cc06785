"""The dashboard in a real browser: jobs appear and change without a reload, and can be played and filtered."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from musicai_sdk import CustomWorkflow, MusicAiClient
from musicai_sdk.sandbox import Sandbox
from musicai_sdk.workflows import GenerateChords
from support.browsers import chromium, logged, run, text, until

SONG = Path(__file__).parents[2] / "songs" / "band0.ogg"
DRUMS = "music-ai/isolate-drums"


@pytest.fixture(scope="module")
def one_browser() -> Iterator[Any]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def browser(one_browser: Any) -> Iterator[Any]:
    """The browser; a test fails if a page had an error in its console."""
    one_browser.get("about:blank")
    logged(one_browser)
    yield one_browser
    one_browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert logged(one_browser) == []
    one_browser.get("about:blank")


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[MusicAiClient]:
    with sandbox.client() as client:
        yield client


@pytest.fixture
def home(sandbox: Sandbox) -> str:
    return sandbox.base_url.removesuffix("v1")


def press(browser: Any, key: str) -> None:
    from selenium.webdriver.common.action_chains import ActionChains

    ActionChains(browser).send_keys(key).perform()


def test_a_job_page_plays_stems_and_draws_chords(
    sandbox: Sandbox, client: MusicAiClient, browser: Any, home: str
) -> None:
    from selenium.webdriver.common.keys import Keys

    browser.get(home)
    run(browser, "window.sameDocument = true")
    sandbox.transition = "after:3600"
    drums = client.jobs.create(CustomWorkflow(DRUMS, {"inputUrl": SONG}), name="The drums")
    chords = client.jobs.create(GenerateChords(input_url=SONG), name="The chords")
    until(lambda: text(browser, "#jobs").count("STARTED") == 2)
    sandbox.clock.advance(3600)
    until(lambda: text(browser, "#jobs").count("SUCCEEDED") == 2)
    assert "The drums" in text(browser, "#jobs")
    assert run(browser, "window.sameDocument") is True, "the page wasn't reloaded"

    # The stem is played by keyboard alone.
    browser.get(f"{home}__sandbox__/jobs/{drums.id}")
    until(lambda: run(browser, "document.querySelector('#job').dataset.ready"))
    names = run(browser, "[...document.querySelectorAll('figcaption')].map((each) => each.innerText)")
    assert names == ["inputUrl", "Kick drum", "Snare drum", "Other"]
    run(browser, "document.querySelectorAll('.wave')[1].focus()")
    press(browser, Keys.SPACE)
    until(lambda: run(browser, "document.querySelector('#audio-1').currentTime") > 0.2)
    press(browser, Keys.SPACE)
    assert run(browser, "document.querySelector('#audio-1').paused") is True
    drawn = """(() => { const canvas = document.querySelectorAll('.wave canvas')[1]
      return canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some((value) => value) })()"""
    assert run(browser, drawn) is True

    browser.get(f"{home}__sandbox__/jobs/{chords.id}")
    until(lambda: run(browser, "document.querySelector('#job').dataset.ready"))
    job = client.jobs.get(chords.id, GenerateChords)
    expected = [chord.chord_basic_pop for chord in client.files.read(job.result.chords)]
    shown = run(browser, "[...document.querySelectorAll('.chord')].map((each) => each.textContent || 'N')")
    assert shown == expected
    assert len(shown) > 5

    # The timeline follows the playback from any position.
    until(lambda: run(browser, "document.querySelector('audio').readyState") >= 1)
    run(browser, "document.querySelector('.wave').focus()")
    for _ in range(3):
        press(browser, Keys.ARROW_RIGHT)
    until(lambda: run(browser, "document.querySelector('audio').currentTime") == 15)
    at_15 = next(chord for chord in client.files.read(job.result.chords) if chord.start <= 15 < chord.end)
    until(lambda: text(browser, ".chord.now") == at_15.chord_basic_pop)
    assert 30 < float(str(run(browser, "document.querySelector('.playhead').style.left")).rstrip("%")) < 45


def test_an_open_job_page_follows_its_job(
    sandbox: Sandbox, client: MusicAiClient, browser: Any, home: str
) -> None:
    sandbox.transition = "after:3600"
    job = client.jobs.create(GenerateChords(input_url=SONG), name="Slow")
    browser.get(f"{home}__sandbox__/jobs/{job.id}")
    run(browser, "window.sameDocument = true")
    assert "STARTED" in text(browser, "#job")
    sandbox.clock.advance(3600)
    until(lambda: "SUCCEEDED" in text(browser, "#job"))
    until(lambda: run(browser, "document.querySelectorAll('.chord').length") > 5)
    assert run(browser, "window.sameDocument") is True
    client.jobs.delete(job)
    until(lambda: text(browser, "#state") == "deleted")


def test_filters_and_errors(sandbox: Sandbox, client: MusicAiClient, browser: Any, home: str) -> None:
    sandbox.transition = "immediate"
    client.jobs.create(CustomWorkflow("sdk-test", {"file": SONG}), name="Fine")
    client.jobs.create(CustomWorkflow("sdk-test", {"file": "http://127.0.0.1:1/x"}), name="Broken")
    client.jobs.wait_all(list(client.jobs.list()))
    browser.get(home)
    assert "BAD_INPUT" in text(browser, "#jobs")
    choose = "((select, value) => { select.value = value; select.dispatchEvent(new Event('change', {bubbles: true})) })"
    run(browser, f"{choose}(document.querySelector('[name=status]'), 'FAILED')")
    until(lambda: "Fine" not in text(browser, "#jobs"))
    assert "Broken" in text(browser, "#jobs")
    browser.refresh()
    assert "Fine" not in text(browser, "#jobs"), "the URL contains the filter"
    browser.get(f"{home}?workflow=nobody/nothing")
    assert "No jobs here" in text(browser, "#jobs")


def test_switches_of_faults_and_the_request_table(
    sandbox: Sandbox, client: MusicAiClient, browser: Any, home: str
) -> None:
    from selenium.webdriver.common.keys import Keys

    browser.get(home)
    switch = "[...document.querySelectorAll('[role=switch]')].find((each) => each.innerText.includes(arguments[0]))"
    run(browser, f"{switch}.focus()", "third of requests")
    press(browser, Keys.SPACE)
    until(lambda: len(sandbox.faults.active()) == 1)
    until(lambda: run(browser, f"{switch}.ariaChecked", "third of requests") == "true")
    press(browser, Keys.ENTER)  # The focus hasn't moved.
    until(lambda: sandbox.faults.active() == [])

    run(browser, "document.querySelector('[name=text]').focus()")
    press(browser, 'GET /application status=418 headers=\'{"X-A": "<b>"}\'' + Keys.ENTER)
    until(lambda: "418" in text(browser, "#faults"))
    key = {"Authorization": sandbox.api_key}
    assert httpx.get(f"{sandbox.base_url}/application?token=secret", headers=key).status_code == 418
    until(lambda: "/v1/application?token=***" in text(browser, "#requests"))
    assert "418" in text(browser, "#requests")
    run(browser, "document.querySelector('[name=text]').focus()")
    press(browser, "GET /application stauts=1" + Keys.ENTER)
    until(lambda: "stauts" in text(browser, "#refused"))
    run(browser, "document.querySelector('[data-remove]').click()")
    until(lambda: sandbox.faults.active() == [])
    # The browser logs the refused fault as a failed request.
    assert all("faults" in entry["message"] for entry in browser.get_log("browser"))


def test_names_are_escaped(sandbox: Sandbox, client: MusicAiClient, browser: Any, home: str) -> None:
    sandbox.transition = "immediate"
    evil = "<img src=x onerror='window.hit=1'>\"'</script><script>window.hit=1</script>"

    @sandbox.workflow(evil)
    def mark(task: Any) -> dict[str, Any]:
        file = task.folder / "chords.json"
        file.write_text('[{"start": 0, "end": 1, "chord_majmin": "<b>x</b>"}]')
        return {
            evil: evil,
            "link": "javascript:window.hit=1",
            "chords": file,
            "<i>.wav": "http://127.0.0.1:1/a.wav",
        }

    job = client.jobs.create(
        CustomWorkflow(evil, {evil: evil, "inputUrl": SONG}), name=evil, metadata={evil: evil}
    )
    assert client.jobs.status(job).status == "SUCCEEDED"
    httpx.get(f"{sandbox.base_url}/job?{'%3Cscript%3E'}=<b>", headers={"User-Agent": "<img/src=x>"})
    for page in (home, f"{home}__sandbox__/jobs/{job.id}"):
        browser.get(page)
        until(lambda: text(browser, "#state").startswith("live"))
        assert run(browser, "document.querySelectorAll('main img, main script, main b, main i').length") == 0
        assert run(browser, "document.querySelectorAll('a[href^=\"javascript:\"]').length") == 0
        assert run(browser, "window.hit ?? null") is None
        assert sandbox.api_key not in browser.page_source
    assert "<img src=x" in text(browser, "h1")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1200])
def test_pages_are_responsive_and_readable(
    sandbox: Sandbox,
    client: MusicAiClient,
    browser: Any,
    home: str,
    scheme: str,
    width: int,
    tmp_path: Path,
) -> None:
    job = client.jobs.run(GenerateChords(input_url=SONG), name="A name_without_any_place_to_break_" * 6)
    for name, value in (("setDeviceMetricsOverride", {"width": width, "height": 1400, "deviceScaleFactor": 1, "mobile": False}),
                        ("setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})):  # fmt: skip
        browser.execute_cdp_cmd(f"Emulation.{name}", value)
    for number, page in enumerate((home, f"{home}__sandbox__/jobs/{job.id}")):
        browser.get(page)
        until(lambda: text(browser, "#state").startswith("live"))
        assert run(browser, "document.documentElement.scrollWidth") <= width
        bright = sum(
            int(part)
            for part in run(browser, "getComputedStyle(document.body).backgroundColor.match(/\\d+/g)")[:3]
        )
        assert (bright > 600) == (scheme == "light")
        assert browser.save_screenshot(str(tmp_path / f"{number}.png"))
