"""Spans by OpenTelemetry's own instrumentation of httpx."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from musicai_sdk import CustomWorkflow, MusicAiClient
from musicai_sdk.sandbox import Sandbox


@pytest.fixture
def provider() -> Iterator[TracerProvider]:
    provider = TracerProvider()
    HTTPXClientInstrumentor().instrument(tracer_provider=provider)
    yield provider
    HTTPXClientInstrumentor().uninstrument()
    provider.shutdown()


def test_every_attempt_is_a_span_and_no_secret_is_in_one(
    provider: TracerProvider, client: MusicAiClient, sandbox: Sandbox, tmp_path: Path
) -> None:
    spans = InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    with provider.get_tracer("ours").start_as_current_span("song"):
        file = client.files.upload(b"RIFF" * 500_000)
        job = client.jobs.run(CustomWorkflow("sdk-test", {"file": file}))
        client.jobs.download(job, tmp_path)
        sandbox.faults.add("GET /application", status=503, nth=1)
        client.application.get()
    seen = [
        (span.name, (span.attributes or {})["http.status_code"]) for span in spans.get_finished_spans()[:-1]
    ]
    assert len(seen) == len(sandbox.requests)
    assert seen.count(("PUT", 200)) == seen.count(("POST", 200)) == seen.count(("GET", 503)) == 1
    text = "".join(span.to_json() for span in spans.get_finished_spans())
    assert "/cdn/" in text
    for url in (file.url, str(job.outputs["file"])):
        signature = url.partition("Signature=")[2]
        assert signature
        assert signature not in text
    assert sandbox.api_key not in text
