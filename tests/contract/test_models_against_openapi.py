"""The models and the operations are those of `schemas/openapi.yaml`, no more and no less."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias, cast

import httpx
import pytest
import yaml
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012, Schema
from typing_extensions import TypeIs

from musicai_sdk import CustomWorkflow, Filters, MusicAiClient, Unknown
from musicai_sdk._core import operations as defined
from musicai_sdk._core.operations import Operation
from musicai_sdk._core.responses import read_json
from musicai_sdk._io import Response
from musicai_sdk.models import (
    Application,
    FiltersDict,
    Job,
    JobCreated,
    JobError,
    JobState,
    UploadUrls,
    WorkflowInfo,
    WorkflowList,
    WorkflowReference,
)
from musicai_sdk.models._open import KNOWN_STATUSES
from musicai_sdk.models._wire import WireModel, wire_fields

Object: TypeAlias = dict[str, Any]

DOCUMENT = Path(__file__).parents[2] / "schemas" / "openapi.yaml"
BASE = "urn:music-ai:openapi"
KEY = "6f3b2f0d-7f61-4c0c-9d0d-2e8a4b1c5f70"
OPERATIONS: list[Operation[Any]] = [each for each in vars(defined).values() if isinstance(each, Operation)]

MODELS: dict[str, type[WireModel]] = {
    "Application": Application,
    "Job": Job,
    "JobCreated": JobCreated,
    "JobError": JobError,
    "JobState": JobState,
    "UploadUrls": UploadUrls,
    "WorkflowInfo": WorkflowInfo,
    "WorkflowList": WorkflowList,
    "WorkflowReference": WorkflowReference,
}
WITHOUT_MODEL = {
    "CreateJobRequest",  # written by `_core/create`, see below
    "HttpError",  # read leniently by `_core/responses`: proxies answer in its place
    "CustomStorage",
    "JobStatus",
    "OutputValue",
}

SPEC: Object = yaml.safe_load(DOCUMENT.read_bytes())
SCHEMAS: dict[str, Object] = SPEC["components"]["schemas"]
REGISTRY: Registry[Schema] = Registry[Schema]().with_resource(
    BASE, DRAFT202012.create_resource(cast("Schema", SPEC))
)


def resolved(node: Object) -> Object:
    while "$ref" in node:
        target: Any = SPEC
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part.replace("~1", "/")]
        node = target
    return node


def is_object(value: object) -> TypeIs[Object]:
    return isinstance(value, dict)


def is_list(value: object) -> TypeIs[list[Any]]:
    return isinstance(value, list)


def fits(schema: Object, value: Any) -> bool:
    """Whether a value fits a schema of the document."""
    whole = cast("Schema", {"$schema": "https://json-schema.org/draft/2020-12/schema", **absolute(schema)})
    validator = Draft202012Validator(whole, registry=REGISTRY)
    return validator.is_valid(value)  # pyright: ignore[reportUnknownMemberType]


def absolute(node: Any) -> Any:
    """The schema with absolute references, for use outside of the document."""
    if is_list(node):
        return [absolute(item) for item in node]
    if is_object(node):
        return {key: BASE + value if key == "$ref" else absolute(value) for key, value in node.items()}
    return node


def operations() -> dict[str, tuple[str, str, Object]]:
    """Method, path and description of every operation by its id."""
    return {
        entry["operationId"]: (method.upper(), path, entry)
        for path, item in SPEC["paths"].items()
        for method, entry in item.items()
        if method != "parameters"
    }


def query_parameters(operation: str) -> set[str]:
    parameters = [resolved(parameter) for parameter in operations()[operation][2]["parameters"]]
    return {parameter["name"] for parameter in parameters if parameter["in"] == "query"}


def examples(content: Object) -> dict[str, Any]:
    named = content["application/json"]["examples"]
    return {name: resolved(example)["value"] for name, example in named.items()}


def values_in(schema: Object, value: Any) -> Iterator[tuple[str, Any]]:
    """Every value of a named schema inside an example, the example itself included."""
    if "$ref" in schema:
        yield schema["$ref"].rpartition("/")[2], value
        schema = resolved(schema)
    for keyword in ("oneOf", "anyOf"):
        for choice in schema.get(keyword, []):
            if fits(choice, value):
                yield from values_in(choice, value)
    if is_object(value):
        for name, member in schema.get("properties", {}).items():
            if name in value:
                yield from values_in(member, value[name])
    if is_list(value) and "items" in schema:
        for item in value:
            yield from values_in(schema["items"], item)


def all_values() -> dict[str, list[Any]]:
    """The example values of each named schema, anywhere in the document."""
    found: dict[str, list[Any]] = {name: [] for name in SCHEMAS}
    for _, _, entry in operations().values():
        bodies = [entry["requestBody"]] if "requestBody" in entry else []
        for body in (*bodies, *map(resolved, entry["responses"].values())):
            for example in examples(body["content"]).values():
                for name, value in values_in(body["content"]["application/json"]["schema"], example):
                    if value not in found[name]:
                        found[name].append(value)
    return found


VALUES = all_values()


def least(component: str) -> Object:
    """A value with the required fields only."""
    return {name: VALUES[component][0][name] for name in SCHEMAS[component]["required"]}


def contains(whole: Any, part: Any) -> bool:
    """Whether everything in `part` is in `whole`; nested models may have more fields."""
    if is_object(part):
        return is_object(whole) and all(
            name in whole and contains(whole[name], value) for name, value in part.items()
        )
    if is_list(part):
        return is_list(whole) and len(whole) == len(part) and all(map(contains, whole, part))
    return bool(whole == part)


def fields_of(kind: str) -> list[Any]:
    """(component, field) of the fields that are nullable, or not required, in the document."""
    chosen: list[Any] = []
    for component in MODELS:
        for name, schema in SCHEMAS[component]["properties"].items():
            required = name in SCHEMAS[component]["required"]
            if fits(schema, None) if kind == "nullable" else not required:
                chosen.append(pytest.param(component, name, id=f"{component}.{name}"))
    return chosen


each_model = pytest.mark.parametrize("component", MODELS)
each_value = pytest.mark.parametrize(
    ("component", "value"),
    [
        pytest.param(component, value, id=f"{component}-{number}")
        for component in MODELS
        for number, value in enumerate(VALUES[component])
    ],
)


# Operations.


def test_operations_are_those_of_the_document() -> None:
    assert {operation.id: (operation.method, operation.path) for operation in OPERATIONS} == {
        name: (method, path) for name, (method, path, _) in operations().items()
    }
    assert len({operation.id for operation in OPERATIONS}) == len(OPERATIONS)


def test_only_reading_and_deleting_is_repeatable() -> None:
    assert {operation.method for operation in OPERATIONS if operation.repeatable} == {"GET", "DELETE"}
    assert {operation.method for operation in OPERATIONS if not operation.repeatable} == {"POST"}


@pytest.mark.parametrize(
    "operation", [pytest.param(each, id=each.id) for each in OPERATIONS if each.answer is not None]
)
def test_every_documented_answer_can_be_read(operation: Operation[Any]) -> None:
    content = operations()[operation.id][2]["responses"]["200"]["content"]
    for name, value in examples(content).items():
        answer = _read(operation, value)
        items = answer if is_list(answer) else [answer]
        sent = _items(value)
        assert len(items) == len(sent), name
        assert all(contains(dict(item), part) for item, part in zip(items, sent, strict=True)), name


def _read(operation: Operation[Any], value: Any) -> Any:
    return read_json(operation.answer, Response(200, {}, json.dumps(value).encode()), operation.id)


def _items(answer: Any) -> list[Any]:
    """The elements of a list, bare or wrapped; anything else is one element."""
    if is_object(answer):
        return next((answer[name] for name in ("jobs", "workflows") if name in answer), [answer])
    return answer if is_list(answer) else [answer]


@pytest.mark.parametrize(("name", "wrapper"), [("listJobs", "jobs"), ("listWorkflows", "workflows")])
def test_lists_are_read_bare_and_wrapped(name: str, wrapper: str) -> None:
    operation = next(each for each in OPERATIONS if each.id == name)
    items = VALUES["Job" if wrapper == "jobs" else "WorkflowInfo"]
    bare = _read(operation, items)
    assert [item.id for item in bare] == [item["id"] for item in items]
    assert _read(operation, {wrapper: items}) == bare
    assert _read(operation, []) == _read(operation, {wrapper: []}) == []


@pytest.mark.parametrize(("name", "wrapper"), [("listJobs", "jobs"), ("listWorkflows", "workflows")])
@pytest.mark.parametrize("other", [3, None, "next", [], {"page": 0}])
def test_wrapped_lists_may_have_other_fields(name: str, wrapper: str, other: object) -> None:
    operation = next(each for each in OPERATIONS if each.id == name)
    items = VALUES["Job" if wrapper == "jobs" else "WorkflowInfo"]
    assert _read(operation, {"other": other, wrapper: items}) == _read(operation, items)


# Models.


def test_every_schema_has_its_model() -> None:
    assert SCHEMAS.keys() == MODELS.keys() | WITHOUT_MODEL
    assert all(VALUES[component] for component in MODELS), "a schema without an example"


@each_model
def test_wire_names_are_the_documented_properties(component: str) -> None:
    assert wire_fields(MODELS[component]).keys() == SCHEMAS[component]["properties"].keys()


@each_model
def test_no_optional_field_is_required(component: str) -> None:
    model = MODELS[component]
    required = {wire for wire, name in wire_fields(model).items() if model.model_fields[name].is_required()}
    assert required <= set(SCHEMAS[component]["required"])
    assert contains(dict(model.model_validate(least(component))), least(component))


@pytest.mark.parametrize(("component", "field"), fields_of("nullable"))
def test_nullable_fields_may_be_null(component: str, field: str) -> None:
    assert MODELS[component].model_validate({**least(component), field: None})[field] is None


@pytest.mark.parametrize(("component", "field"), fields_of("optional"))
def test_optional_fields_may_be_absent(component: str, field: str) -> None:
    value = {name: member for name, member in VALUES[component][0].items() if name != field}
    assert MODELS[component].model_validate(value)[field] is None


@each_value
def test_examples_can_be_read_back_by_wire_names(component: str, value: Object) -> None:
    model = MODELS[component].model_validate_json(json.dumps(value))
    assert contains(dict(model), value)
    assert model.model_extra == {}
    for name in value:
        assert name in model
        assert contains(model.get(name), value[name])


@each_model
def test_unknown_fields_are_kept_where_the_document_allows_them(component: str) -> None:
    assert SCHEMAS[component]["additionalProperties"] is True
    model = MODELS[component].model_validate({**least(component), "newField": {"a": [1]}})
    assert model["newField"] == {"a": [1]}
    assert dict(model)["newField"] == {"a": [1]}


@pytest.mark.parametrize("component", ["Job", "JobState"])
def test_statuses_are_open(component: str) -> None:
    model = MODELS[component]
    documented = [choice["const"] for choice in SCHEMAS["JobStatus"]["anyOf"] if "const" in choice]
    assert tuple(documented) == KNOWN_STATUSES
    for status in documented:
        read = cast("Job | JobState", model.model_validate({**least(component), "status": status}))
        assert type(read.status) is str
    new = cast("Job | JobState", model.model_validate({**least(component), "status": "PAUSED"}))
    assert new.status == Unknown("PAUSED")
    assert isinstance(new.status, Unknown)
    assert not new.done


@pytest.mark.parametrize("value", SCHEMAS["OutputValue"]["examples"], ids=repr)
def test_every_kind_of_output_is_accepted(value: object) -> None:
    job = Job[Any].model_validate({**least("Job"), "status": "SUCCEEDED", "result": {"An output": value}})
    assert job.outputs["An output"] == value
    assert job.result["an output"] == value
    assert job["result"] == {"An output": value}


# Requests of the client.


@pytest.fixture
def sent() -> list[httpx.Request]:
    """The requests of `client`, which answers each with the document's first example."""
    return []


@pytest.fixture
def client(sent: list[httpx.Request]) -> Iterator[MusicAiClient]:
    documented = {(method, path): entry for method, path, entry in operations().values()}

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        path = request.url.path.removeprefix("/v1").replace("/job/an-id", "/job/{id}")
        entry = documented[request.method, path]
        return httpx.Response(200, json=next(iter(examples(entry["responses"]["200"]["content"]).values())))

    with (
        httpx.Client(transport=httpx.MockTransport(answer)) as http_client,
        MusicAiClient(KEY, base_url="https://api.example.com/v1", http_client=http_client) as client,
    ):
        yield client


def test_every_operation_is_reached(client: MusicAiClient, sent: list[httpx.Request]) -> None:
    client.jobs.create(CustomWorkflow("my-workflow"))
    client.jobs.get("an-id")
    client.jobs.status("an-id")
    client.jobs.delete("an-id")
    assert len(list(client.jobs.list())) == len(VALUES["WorkflowInfo"]) == len(client.workflows.list())
    assert client.application.get()["name"] == VALUES["Application"][0]["name"]
    reached = {
        (request.method, request.url.path.removeprefix("/v1").replace("/an-id", "/{id}")) for request in sent
    }
    assert reached == {(each.method, each.path) for each in OPERATIONS if each.id != "getUpload"}
    scheme = SPEC["components"]["securitySchemes"]["apiKey"]
    assert {request.headers[scheme["name"]] for request in sent} == {KEY}


def test_listing_sends_the_documented_parameters(client: MusicAiClient, sent: list[httpx.Request]) -> None:
    statuses = client.jobs.list(status=["QUEUED", "FAILED"], workflow=["a", "b"], batch_name="spring")
    assert list(statuses)
    assert set(sent[-1].url.params) == query_parameters("listJobs")
    # `explode: true` of the document: the key is repeated.
    assert sent[-1].url.params.get_list("status") == ["QUEUED", "FAILED"]
    assert sent[-1].url.params.get_list("workflow") == ["a", "b"]
    client.workflows.list()
    assert set(sent[-1].url.params) == query_parameters("listWorkflows")


def test_filters_are_the_documented_parameters() -> None:
    assert wire_fields(Filters).keys() == query_parameters("listJobs") - {"page", "size"}
    assert FiltersDict.__annotations__.keys() == wire_fields(Filters).keys()


@pytest.mark.parametrize(
    "options",
    [{}, {"metadata": {"a": 1}, "copy_results_to": {"b": "https://c.example"}}],
    ids=["least", "all"],
)
def test_create_sends_a_documented_body(
    client: MusicAiClient, sent: list[httpx.Request], options: dict[str, Any]
) -> None:
    created = client.jobs.create(CustomWorkflow("my-workflow", {"a": [1, None]}), **options)
    body = json.loads(sent[-1].content)
    schema = SCHEMAS["CreateJobRequest"]
    assert set(schema["required"]) <= body.keys() <= schema["properties"].keys()
    assert ("copyResultsTo" in body) == bool(options), "optional fields are left out rather than null"
    assert fits(schema, body)
    assert created.id == VALUES["JobCreated"][0]["id"]


# Tests of these checks.


def test_values_are_found_inside_examples() -> None:
    assert {"BAD_INPUT"} <= {error["code"] for error in VALUES["JobError"]}
    assert any("Stems" in reference["name"] for reference in VALUES["WorkflowReference"])
    assert len(VALUES["Job"]) > 5


def test_a_missing_field_would_be_noticed() -> None:
    assert contains({"a": 1, "b": {"c": None, "d": [1]}}, {"a": 1, "b": {"d": [1]}})
    assert not contains({"a": 1}, {"b": None})
    assert not contains({"b": {"d": [1, 2]}}, {"b": {"d": [1]}})
    assert not contains({"b": None}, {"b": {}})
    assert not fits({"$ref": "#/components/schemas/Job"}, {"id": "a"})
    assert fits({"$ref": "#/components/schemas/Job"}, {"id": "a", "status": "PAUSED"})
