"""A span of Mastra's OpenTelemetry exporter is the record that it was made of, less what is lost."""

import json
from datetime import UTC, datetime

import pytest

from indexer.mastra.otlp_records import OtlpSpan, record_of_otlp

START = 1_793_534_400_250_000_000
"""2026-11-01T12:00:00.250Z."""


def otlp(attributes, **more):
    values = {
        "trace_id": f"{1:032x}",
        "span_id": f"{2:016x}",
        "parent_span_id": None,
        "service_name": "agents",
        "name": "chat gpt-5",
        "start_unix_nano": START,
        "end_unix_nano": START + 10**9,
        "status_code": 1,
        "status_message": None,
        "attributes": attributes,
        **more,
    }
    return record_of_otlp(OtlpSpan(**values))


def test_a_model_call_has_its_messages_usage_and_parameters():
    found = otlp(
        {
            "mastra.span.type": "model_inference",
            "gen_ai.operation.name": "chat",
            "gen_ai.input.messages": '[{"role":"user","parts":[]}]',
            "gen_ai.output.messages": "plain",
            "gen_ai.request.model": "gpt-5",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.temperature": 0.5,
            "gen_ai.request.stop_sequences": '["\\n"]',
            "gen_ai.response.finish_reasons": '["stop"]',
            "gen_ai.usage.input_tokens": 7,
            "gen_ai.usage.cache_read.input_tokens": 3,
            "gen_ai.usage.reasoning_tokens": 2,
            "mastra.metadata.threadId": "t1",
            "mastra.metadata.more": '{"a":1}',
            "mastra.tags": '["x","y"]',
        }
    )
    assert found["attributes"] == {
        "model": "gpt-5",
        "provider": "openai",
        "parameters": {"temperature": 0.5, "stopSequences": ["\n"]},
        "finishReason": "stop",
        "usage": {
            "inputTokens": 7,
            "inputDetails": {"cacheRead": 3},
            "outputDetails": {"reasoning": 2},
        },
    }
    assert (found["input"], found["output"]) == ([{"role": "user", "parts": []}], "plain")
    assert found["metadata"] == {"threadId": "t1", "more": {"a": 1}}
    assert found["tags"] == ["x", "y"]
    assert found["startedAt"] == datetime(2026, 11, 1, 12, 0, 0, 250_000, UTC)
    assert (found["serviceName"], found["isEvent"], found["error"]) == ("agents", False, None)


@pytest.mark.parametrize(
    ("kind", "attributes", "expected"),
    [
        (
            "agent_run",
            {
                "gen_ai.agent.id": "a",
                "gen_ai.agent.name": "A",
                "gen_ai.conversation.id": "t",
                "mastra.agent_run.max_steps": 3,
                "mastra.agent_run.input": '{"q":1}',
            },
            {
                "entityType": "agent",
                "entityId": "a",
                "entityName": "A",
                "threadId": "t",
                "input": {"q": 1},
                "attributes": {"maxSteps": 3, "conversationId": "t"},
            },
        ),
        (
            "mcp_tool_call",
            {
                "gen_ai.tool.name": "search",
                "gen_ai.tool.call.arguments": '{"q":1}',
                "gen_ai.tool.call.result": "[not JSON",
                "mastra.mcp_tool_call.server_name": "s",
            },
            {
                "entityType": "tool",
                "entityName": "search",
                "input": {"q": 1},
                "output": "[not JSON",
                "attributes": {"mcpServer": "s"},
            },
        ),
        (
            "workflow_step",
            {"mastra.workflow_step.step_id": "one", "mastra.workflow_step.status": "ok"},
            {"entityType": "workflow_step", "entityId": "one", "attributes": {"status": "ok"}},
        ),
        (
            "a_new_type",
            {"mastra.a_new_type.some_value": 1, "custom": "c"},
            {"entityType": None, "attributes": {"someValue": 1, "custom": "c"}},
        ),
    ],
    ids=["agent", "tool", "step", "unknown"],
)
def test_each_type_has_its_entity_and_its_own_attributes(kind, attributes, expected):
    found = otlp({"mastra.span.type": kind, **attributes})
    assert {name: found[name] for name in expected} == expected


def test_an_error_has_what_the_exporter_says_of_it():
    found = otlp(
        {
            "mastra.span.type": "agent_run",
            "error.type": "TOOL_FAILED",
            "error.message": "no",
            "error.category": "USER",
        },
        status_code=2,
        status_message="no",
        events=[{"name": "exception", "attributes": {"exception.stacktrace": "at x"}}],
    )
    assert found["error"] == {
        "message": "no",
        "id": "TOOL_FAILED",
        "category": "USER",
        "details": {"stack": "at x"},
    }
    assert found["attributes"] is None


def test_what_has_no_status_and_no_duration_is_an_event():
    found = otlp({"mastra.span.type": "generic"}, status_code=0, end_unix_nano=START)
    assert (found["isEvent"], found["endedAt"]) == (True, None)


@pytest.mark.parametrize("attributes", [{}, {"mastra.span.type": 5}, {"mastra.span.type": ""}])
def test_a_span_of_another_sender_is_no_record(attributes):
    assert otlp(attributes) is None


def test_values_that_look_like_json_and_are_none_stay_text():
    found = otlp({"mastra.span.type": "generic", "mastra.generic.input": "[" * 100_000})
    assert found["input"] == "[" * 100_000
    assert otlp({"mastra.span.type": "generic", "mastra.tags": json.dumps("no")})["tags"] is None
