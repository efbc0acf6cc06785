"""The table of faults in the guide: every row has its tests."""

from __future__ import annotations

import ast
from pathlib import Path

TESTS = Path(__file__).parents[1]
GUIDE = TESTS.parent / "scripts" / "_docs" / "guides" / "failures.md"

PROMISES: dict[str, list[str]] = {
    "connection broken, silence, 408": [
        "core/test_retry.py::test_broken_connections_are_retried",
        "core/test_retry.py::test_timeout",
        "core/test_retry.py::test_transient_statuses_are_retried",
        "core/test_retry.py::test_a_long_retry_after_fails_at_once",
        "core/test_retry.py::test_a_delete_whose_answer_was_lost_has_succeeded",
        "core/test_upload_and_download.py::test_a_broken_upload_restarts_with_a_new_url",
        "core/test_upload_and_download.py::test_a_truncated_download_is_repeated",
        "core/test_retry_policy.py::test_max_retries_allows_one_more_attempt_than_retries",
    ],
    "the same on the POST": [
        "core/test_create.py::test_a_job_whose_answer_was_lost_is_found",
        "core/test_create.py::test_a_job_whose_answer_a_gateway_lost_is_found",
        "core/test_create.py::test_an_ambiguous_create_is_never_repeated",
        "core/test_create.py::test_a_server_error_is_ambiguous_too",
        "core/test_create.py::test_throttling_is_retried",
        "core/test_create_exactly_once.py::test_exactly_once",
    ],
    "a `create` again": [
        "core/test_create.py::test_the_same_key_is_the_same_job",
        "core/test_create.py::test_the_key_of_another_request",
    ],
    "a service that stays down": [
        "core/test_retry.py::test_the_budget_limits_the_load_on_a_failing_service",
        "core/test_retry_policy.py::test_without_tokens_there_are_no_retries",
    ],
    "a poll fails": [
        "core/test_wait.py::test_failing_polls_do_not_end_a_wait",
        "core/test_wait.py::test_a_dead_service_does_not_outlast_the_deadline",
    ],
    "a download breaks off": [
        "core/test_resume.py::test_within_a_call",
        "core/test_resume.py::test_in_a_later_call",
        "core/test_resume_after_exit.py::test_the_next_process_resumes",
        "core/test_upload_and_download.py::test_a_download_that_is_always_truncated",
        "core/test_upload_and_download.py::test_outputs_are_complete_or_absent",
    ],
    "another size or digest": [
        "core/test_resume.py::test_a_wrong_digest",
        "core/test_job_files.py::test_a_web_page_instead_of_the_file",
    ],
    "a full disk": ["core/test_resume.py::test_a_full_disk_leaves_no_part"],
    "a result's signed URL": [
        "core/test_upload_and_download.py::test_an_expired_result_url_is_renewed",
        "core/test_resume.py::test_a_result_url_that_expires_midway",
    ],
    "Ctrl-C, a cancelled task": [
        "core/test_resume_after_exit.py::test_the_next_process_resumes",
        "test_client_lifecycle.py::test_cancelling_a_transfer_leaves_no_half_file",
        "test_client_lifecycle.py::test_cancellation_at_every_await",
        "core/test_create.py::test_a_cancelled_create_says_how_to_find_the_job",
    ],
    "a redirect, a login page": [
        "test_client_errors.py::test_redirect_of_the_api_is_an_error_that_says_so",
        "test_client_errors.py::test_html_with_status_200",
        "test_client_errors.py::test_answer_that_does_not_fit",
    ],
    "a status, field or output": [
        "test_client_errors.py::test_an_unknown_status",
        "models/test_models.py::test_statuses_are_open",
    ],
    "an output named": [
        "core/test_output_names.py::test_names",
        "core/test_output_names.py::test_unusual_names_from_service_to_disk",
    ],
}
"""The beginning of each row, and its tests."""


def rows() -> list[str]:
    """The first cells of the table."""
    _, _, table = GUIDE.read_text("utf-8").partition("| what happens |")
    lines = table.partition("\n\n")[0].splitlines()[2:]
    return [line.strip("| ").partition(" | ")[0] for line in lines]


def test_every_row_has_its_tests() -> None:
    found = rows()
    assert len(found) == len(PROMISES)
    assert not [row for row in found if not any(row.startswith(start) for start in PROMISES)]


def test_every_test_exists() -> None:
    named = {test for tests in PROMISES.values() for test in tests}
    exist = {
        f"{file}::{node.name}"
        for file in {test.partition("::")[0] for test in named}
        for node in ast.parse((TESTS / file).read_text()).body
        if isinstance(node, ast.FunctionDef)
    }
    assert named <= exist
