"""`schemas/openapi.yaml` is a well-formed, self-contained and sourced description of the service."""

import re
from collections.abc import Hashable, Iterator
from pathlib import Path
from typing import NamedTuple, TypeAlias, cast

import pytest
import yaml
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry
from referencing.jsonschema import DRAFT202012, Schema
from typing_extensions import override

from musicai_sdk.models import Job
from musicai_sdk.models._wire import wire_fields

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
Object: TypeAlias = dict[str, Json]

DOCUMENT = Path(__file__).parents[2] / "schemas" / "openapi.yaml"
BASE = "urn:music-ai:openapi"
METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}
TAG = re.compile(r"\[[ABCD?]: [^][]+\]")

# The allowed keywords: a misspelt one would otherwise be ignored silently.
SCHEMA_KEYWORDS = {
    "$ref", "additionalProperties", "anyOf", "const", "default", "description", "examples", "format", "items",
    "minLength", "minimum", "oneOf", "pattern", "properties", "required", "title", "type",
}  # fmt: skip
OPERATION_KEYWORDS = {
    "operationId", "tags", "summary", "description", "parameters", "requestBody", "responses",
}  # fmt: skip
PARAMETER_KEYWORDS = {"name", "in", "required", "style", "explode", "description", "schema", "examples"}
HEADER_KEYWORDS = PARAMETER_KEYWORDS - {"name", "in"}
RESPONSE_KEYWORDS = {"description", "headers", "content", "links"}
FIELDS: dict[str, tuple[set[str], set[str]]] = {  # component schema: required fields, and the others
    "Application": ({"id", "name"}, set()),
    "CreateJobRequest": ({"name", "workflow", "params"}, {"metadata", "copyResultsTo"}),
    "HttpError": ({"message"}, {"statusCode", "code", "error"}),
    "Job": ({"id", "status"}, wire_fields(Job).keys() - {"id", "status"}),
    "JobCreated": ({"id"}, set()),
    "JobError": ({"code"}, {"title", "message"}),
    "JobState": ({"id", "status"}, set()),
    "UploadUrls": ({"uploadUrl", "downloadUrl"}, set()),
    "WorkflowInfo": ({"id", "name", "slug"}, {"description", "createdAt", "updatedAt"}),
    "WorkflowList": ({"workflows"}, set()),
    "WorkflowReference": ({"id", "name"}, set()),
}  # fmt: skip
OTHER_SCHEMAS = {"CustomStorage", "JobStatus", "OutputValue"}
OPERATIONS = {
    "getUpload": ("get", "/upload", set[str]()),
    "createJob": ("post", "/job", set[str]()),
    "listJobs": ("get", "/job", {"status", "workflow", "batchName", "page", "size"}),
    "getJob": ("get", "/job/{id}", {"id"}),
    "getJobStatus": ("get", "/job/{id}/status", {"id"}),
    "deleteJob": ("delete", "/job/{id}", {"id"}),
    "listWorkflows": ("get", "/workflow", {"page", "size"}),
    "getApplication": ("get", "/application", set[str]()),
}


class UniqueKeyLoader(yaml.SafeLoader):
    """A safe loader that rejects duplicate keys, of which YAML would keep the last."""

    @override
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, object]:
        keys: list[str] = [str(key.value) for key, _ in node.value]
        assert len(keys) == len(set(keys)), f"a key is given twice: {sorted(keys)}, {node.start_mark}"
        return super().construct_mapping(node, deep=deep)


class Operation(NamedTuple):
    method: str
    path: str
    body: Object
    parameters: list[Object]


class Example(NamedTuple):
    schema: str  # JSON pointer
    pointer: str
    value: Json


def load() -> Object:
    with DOCUMENT.open("rb") as file:
        return cast("Object", yaml.load(file, UniqueKeyLoader))


def as_object(value: Json) -> Object:
    assert isinstance(value, dict), f"not an object: {value!r}"
    return value


def as_list(value: Json) -> list[Json]:
    assert isinstance(value, list), f"not a list: {value!r}"
    return value


def pointer(*parts: str) -> str:
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in parts)


def at(reference: str) -> Json:
    """The target of a local reference."""
    assert reference.startswith("#/"), f"{reference} leaves the document"
    node: Json = SPEC
    for part in reference[2:].split("/"):
        name = part.replace("~1", "/").replace("~0", "~")
        node = as_list(node)[int(name)] if isinstance(node, list) else as_object(node)[name]
    return node


def resolved(value: Json) -> Object:
    node = as_object(value)
    while isinstance(reference := node.get("$ref"), str):
        node = as_object(at(reference))
    return node


def walk(node: Json, where: str = "") -> Iterator[tuple[str, Json]]:
    """Every node of the document with its JSON pointer, except the insides of examples."""
    yield where, node
    if isinstance(node, list):
        for index, item in enumerate(node):
            yield from walk(item, f"{where}/{index}")
    elif isinstance(node, dict):
        for key, item in node.items():
            if key != "examples":
                yield from walk(item, where + pointer(key))
            elif isinstance(item, dict):  # examples by name; in a schema they are a list of bare values
                yield from ((where + pointer(key, name), example) for name, example in item.items())


def schemas(node: Json, where: str) -> Iterator[tuple[str, Object]]:
    """A schema and every schema inside it."""
    schema = as_object(node)
    yield where, schema
    for keyword in ("anyOf", "oneOf"):
        for index, item in enumerate(as_list(schema.get(keyword, []))):
            yield from schemas(item, f"{where}/{keyword}/{index}")
    for name, item in as_object(schema.get("properties", {})).items():
        yield from schemas(item, where + pointer("properties", name))
    for keyword in ("items", "additionalProperties"):
        if isinstance(item := schema.get(keyword), dict):
            yield from schemas(item, f"{where}/{keyword}")


def all_schemas() -> Iterator[tuple[str, Object]]:
    for name, schema in COMPONENT_SCHEMAS.items():
        yield from schemas(schema, pointer("components", "schemas", name))
    for where, node in walk(SPEC):
        if isinstance(node, dict) and "schema" in node and not where.startswith("/components/schemas/"):
            yield from schemas(node["schema"], where + "/schema")


def operations() -> Iterator[Operation]:
    for path, item in as_object(SPEC["paths"]).items():
        entry = as_object(item)
        shared = [resolved(parameter) for parameter in as_list(entry.get("parameters", []))]
        for method in sorted(METHODS & entry.keys()):
            body = as_object(entry[method])
            own = [resolved(parameter) for parameter in as_list(body.get("parameters", []))]
            yield Operation(method, path, body, shared + own)


def examples() -> Iterator[Example]:
    """Every example with the schema that it belongs to."""
    for where, schema in all_schemas():
        for index, value in enumerate(as_list(schema.get("examples", []))):
            yield Example(where, f"{where}/examples/{index}", value)
        if "default" in schema:
            yield Example(where, f"{where}/default", schema["default"])
    for where, node in walk(SPEC):
        if isinstance(node, dict) and "schema" in node:  # a parameter, a header or a body
            for name, example in as_object(node.get("examples", {})).items():
                yield Example(
                    where + "/schema", where + pointer("examples", name), resolved(example)["value"]
                )


def misfits(where: str, value: Json) -> list[str]:
    """The errors of a value against the schema at a JSON pointer."""
    schema: Schema = {"$ref": f"{BASE}#{where}"}
    validator = Draft202012Validator(schema, registry=REGISTRY, format_checker=FormatChecker())
    errors = validator.iter_errors(value)  # pyright: ignore[reportUnknownMemberType]
    return [f"{error.json_path}: {error.message}" for error in errors]


def fits(name: str, value: Json) -> bool:
    return not misfits(pointer("components", "schemas", name), value)


SPEC = load()
COMPONENTS = as_object(SPEC["components"])
COMPONENT_SCHEMAS = as_object(COMPONENTS["schemas"])
REGISTRY: Registry[Schema] = Registry[Schema]().with_resource(
    BASE, DRAFT202012.create_resource(cast("Schema", SPEC))
)
ALL_SCHEMAS = dict(all_schemas())
ALL_OPERATIONS = list(operations())
ALL_EXAMPLES = list(examples())

each_operation = pytest.mark.parametrize(
    "operation",
    [pytest.param(operation, id=str(operation.body.get("operationId"))) for operation in ALL_OPERATIONS],
)
each_component = pytest.mark.parametrize("name", sorted(COMPONENT_SCHEMAS))


def test_head() -> None:
    assert str(SPEC["openapi"]).startswith("3.1.")
    info = as_object(SPEC["info"])
    assert info["title"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", str(info["version"]))
    assert [as_object(server)["url"] for server in as_list(SPEC["servers"])] == [
        "https://api.music.ai/v1",
        "https://api.music.ai/api",
    ]
    assert SPEC["security"] == [{"apiKey": []}]
    scheme = as_object(as_object(COMPONENTS["securitySchemes"])["apiKey"])
    assert (scheme["type"], scheme["in"], scheme["name"]) == ("apiKey", "header", "Authorization")


def test_every_key_is_text() -> None:
    # An unquoted 200 or `on` in YAML isn't a string, so a tool that looks up "200" wouldn't find it.
    for where, node in walk(SPEC):
        for key in cast("dict[object, object]", node) if isinstance(node, dict) else ():
            assert isinstance(key, str), f"{where}: {key!r}"


def test_every_reference_resolves() -> None:
    references: dict[str, str] = {}
    for where, node in walk(SPEC):
        if isinstance(node, dict) and isinstance(reference := node.get("$ref"), str):
            references[where] = reference
    assert references
    for where, reference in references.items():
        try:
            at(reference)
        except (KeyError, IndexError, AssertionError) as error:
            pytest.fail(f"{where}: {reference} does not resolve ({error!r})")


def test_every_component_is_used() -> None:
    used = {str(node.get("$ref")) for _, node in walk(SPEC) if isinstance(node, dict)}
    for kind, entries in COMPONENTS.items():
        for name in as_object(entries) if kind != "securitySchemes" else ():
            assert f"#/components/{kind}/{name}" in used, f"nothing refers to {kind} {name}"


def test_operations_are_the_eight() -> None:
    found = {
        str(operation.body["operationId"]): (
            operation.method,
            operation.path,
            {str(parameter["name"]) for parameter in operation.parameters},
        )
        for operation in ALL_OPERATIONS
    }
    assert found == OPERATIONS
    assert len(ALL_OPERATIONS) == len(OPERATIONS)


@each_operation
def test_operation_is_described(operation: Operation) -> None:
    assert operation.body.keys() <= OPERATION_KEYWORDS
    assert operation.body["operationId"]
    assert operation.body["summary"]
    assert TAG.search(str(operation.body["description"]))
    known = {str(as_object(tag)["name"]) for tag in as_list(SPEC["tags"])}
    assert set(map(str, as_list(operation.body["tags"]))) <= known


@each_operation
def test_operation_answers(operation: Operation) -> None:
    answers = {status: resolved(answer) for status, answer in as_object(operation.body["responses"]).items()}
    assert {"200", "401", "403", "405", "429", "5XX"} <= answers.keys()
    assert ("404" in answers) == ("{id}" in operation.path or operation.method == "post")
    assert "Retry-After" in as_object(answers["429"]["headers"])
    for status, answer in answers.items():
        assert re.fullmatch(r"[2-5](\d\d|XX)", status)
        assert answer.keys() <= RESPONSE_KEYWORDS
        assert TAG.search(str(answer["description"])), status
        content = as_object(answer["content"])
        assert content.keys() == {"application/json"}
        body = as_object(content["application/json"])
        assert as_object(body["examples"]), status
        if status != "200":
            assert body["schema"] == {"$ref": "#/components/schemas/HttpError"}
        for name, example in as_object(body["examples"]).items():
            value = resolved(example)["value"]
            if isinstance(value, dict) and "statusCode" in value:
                assert str(value["statusCode"])[: len(status.rstrip("X"))] == status.rstrip("X"), name


@each_operation
def test_operation_parameters(operation: Operation) -> None:
    assert set(re.findall(r"{(\w+)}", operation.path)) == {
        str(parameter["name"]) for parameter in operation.parameters if parameter["in"] == "path"
    }
    for parameter in operation.parameters:
        assert parameter.keys() <= PARAMETER_KEYWORDS
        assert parameter["required"] is (parameter["in"] == "path")
        assert TAG.search(str(parameter["description"]))
        schema = resolved(parameter["schema"])
        if schema["type"] == "array":
            assert (parameter["in"], parameter["style"], parameter["explode"]) == ("query", "form", True)
        if parameter["name"] in {"page", "size"}:
            assert schema["type"] == "integer"
            first, default = {"page": (0, 0), "size": (1, 100)}[str(parameter["name"])]
            assert (schema["minimum"], schema["default"]) == (first, default)


def test_headers() -> None:
    for header in as_object(COMPONENTS["headers"]).values():
        assert as_object(header).keys() <= HEADER_KEYWORDS
        assert TAG.search(str(as_object(header)["description"]))


def test_links_lead_to_operations() -> None:
    links = [
        as_object(link)
        for operation in ALL_OPERATIONS
        for answer in as_object(operation.body["responses"]).values()
        for link in as_object(resolved(answer).get("links", {})).values()
    ]
    assert {str(link["operationId"]) for link in links} == {"getJob", "getJobStatus", "deleteJob"}
    assert all(link["parameters"] == {"id": "$response.body#/id"} for link in links)


def test_component_schemas_are_the_named_ones() -> None:
    assert COMPONENT_SCHEMAS.keys() == FIELDS.keys() | OTHER_SCHEMAS


@each_component
def test_component_schema_is_valid(name: str) -> None:
    schema = as_object(COMPONENT_SCHEMAS[name])
    Draft202012Validator.check_schema(schema)
    assert TAG.search(str(schema["description"]))


@pytest.mark.parametrize("where", ALL_SCHEMAS)
def test_every_schema_uses_known_keywords(where: str) -> None:
    schema = ALL_SCHEMAS[where]
    Draft202012Validator.check_schema(schema)
    assert schema.keys() <= SCHEMA_KEYWORDS
    properties = as_object(schema.get("properties", {}))
    assert set(map(str, as_list(schema.get("required", [])))) <= properties.keys()
    for name, member in properties.items():
        assert TAG.search(str(as_object(member).get("description"))), (
            f"{where}: {name} has no sourced description"
        )


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_component_fields(name: str) -> None:
    schema = as_object(COMPONENT_SCHEMAS[name])
    required, others = FIELDS[name]
    assert schema["type"] == "object"
    assert set(map(str, as_list(schema["required"]))) == required
    assert as_object(schema["properties"]).keys() == required | others
    if name != "CreateJobRequest":
        assert schema["additionalProperties"] is True, "an answer may carry fields that are not listed"


def test_nullable_fields() -> None:
    found = {
        f"{name}.{field}"
        for name in FIELDS
        for field in as_object(as_object(COMPONENT_SCHEMAS[name])["properties"])
        if not misfits(pointer("components", "schemas", name, "properties", field), None)
    }
    expected = {
        "Job.batchName",
        "Job.metadata",
        "Job.result",
        "Job.error",
        "Job.startedAt",
        "Job.completedAt",
        "WorkflowInfo.description",
    }
    assert found == expected, "if the service may send null for a field, list the field here"


def test_job_status_is_open() -> None:
    members = as_list(as_object(COMPONENT_SCHEMAS["JobStatus"])["anyOf"])
    known = [as_object(member)["const"] for member in members if "const" in as_object(member)]
    assert known == ["QUEUED", "STARTED", "SUCCEEDED", "FAILED"]
    assert fits("JobStatus", "PAUSED")
    assert not fits("JobStatus", None)
    assert not fits("JobStatus", 1)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Job", {"id": "27803abe-ec15-4f74-9e8a-18a99627e9b0"}),
        ("Job", {"id": None, "status": "QUEUED"}),
        ("Job", {"id": "27803abe-ec15-4f74-9e8a-18a99627e9b0", "status": "QUEUED", "workflow": None}),
        ("Job", {"id": "27803abe-ec15-4f74-9e8a-18a99627e9b0", "status": "FAILED", "error": "no"}),
        ("JobState", {"id": "27803abe-ec15-4f74-9e8a-18a99627e9b0"}),
        ("CreateJobRequest", {"name": "a", "workflow": "b"}),
        ("CreateJobRequest", {"name": "a", "workflow": "b", "params": []}),
        ("CreateJobRequest", {"name": "a", "workflow": "b", "params": {}, "copyResultsTo": {"vocals": 1}}),
        ("UploadUrls", {"uploadUrl": "https://a.example/"}),
        ("WorkflowList", []),
        ("HttpError", {"statusCode": 404}),
        ("CustomStorage", "custom storage"),
    ],
)  # fmt: skip
def test_wrong_values_are_refused(name: str, value: Json) -> None:
    assert not fits(name, value)


def test_a_minimal_job_and_unknown_fields_are_accepted() -> None:
    least: Object = {"id": "27803abe-ec15-4f74-9e8a-18a99627e9b0", "status": "ARCHIVED"}
    assert fits("Job", least)
    assert fits("Job", least | {"progress": 0.5})


def test_there_are_examples_of_each_kind() -> None:
    jobs = [
        as_object(example.value)
        for example in ALL_EXAMPLES
        if example.pointer.startswith("/paths/~1job~1{id}/get/")
    ]
    assert {str(job["status"]) for job in jobs} >= {"QUEUED", "SUCCEEDED", "FAILED"}
    assert any(isinstance(job["workflow"], dict) for job in jobs)
    assert any("[custom storage]" in as_object(job["result"]).values() for job in jobs if job["result"])
    assert any(job.get("error") for job in jobs)


@pytest.mark.parametrize("example", [pytest.param(example, id=example.pointer) for example in ALL_EXAMPLES])
def test_example_fits_its_schema(example: Example) -> None:
    assert misfits(example.schema, example.value) == []
