"""Bodies held against what the vendors publish: botocore's service model, and the types of openai, anthropic and
google-genai. For tests.

Stricter than the SDKs themselves: a member that the published type does not have is a fault, an enumeration is closed,
and what is declared as an iterable is looked into.
"""
import base64
import binascii
import functools
import inspect
import json
import re
import sys

import botocore.session
import pydantic

try:
    from google.genai import types as google
except ImportError:  # the SDK could not be fetched: bodies of Gemini are checked by the simulator's own rules alone
    google = None


class Unfit(Exception):
    """A body that is not as its vendor publishes it."""


# --- Amazon's service models ---

@functools.cache
def _bedrock():
    return botocore.session.Session().get_service_model("bedrock-runtime")


def bedrock_request(operation, body):
    shape = _bedrock().operation_model(operation).input_shape
    in_body = {n: m for n, m in shape.members.items() if not m.serialization.get("location")}
    for name in shape.required_members:
        if name in in_body and name not in body:
            raise Unfit(f"{operation}: {name} is missing")
    _members(body, in_body, operation)


def bedrock_answer(body):
    _aws(body, _bedrock().operation_model("Converse").output_shape, "answer")


def bedrock_event(name, body):
    """Of a ConverseStream; exceptions too. Every event may be padded with `p`, which the model leaves out."""
    events = _bedrock().operation_model("ConverseStream").output_shape.members["stream"].members
    if name not in events:
        raise Unfit(f"no such event: {name}")
    _aws({k: v for k, v in body.items() if k != "p"}, events[name], name)


def _members(body, members, at):
    for name, value in body.items():
        if name not in members:
            raise Unfit(f"{at}: no such member: {name}")
        _aws(value, members[name], f"{at}.{name}")


def _structure(body, shape, at):
    if not isinstance(body, dict):
        raise Unfit(f"{at}: not an object")
    missing = [name for name in shape.required_members if name not in body]
    if missing:
        raise Unfit(f"{at}: {missing} is missing")
    if shape.is_tagged_union and len(body) != 1:
        raise Unfit(f"{at}: exactly one member, not {sorted(body)}")
    _members(body, shape.members, at)


SCALARS = {"string": str, "boolean": bool, "integer": int, "long": int, "float": int | float, "double": int | float}


def _aws(value, shape, at):
    kind = shape.type_name
    if kind == "structure":  # a document may hold anything
        return None if shape.is_document_type else _structure(value, shape, at)
    if kind == "list":
        _sized(value, list, shape, at)
        for i, item in enumerate(value):
            _aws(item, shape.member, f"{at}[{i}]")
        return
    if kind == "map":
        _sized(value, dict, shape, at)
        for key, item in value.items():
            _aws(key, shape.key, f"{at} key")
            _aws(item, shape.value, f"{at}.{key}")
        return
    if kind == "blob":
        try:
            value = base64.b64decode(value, validate=True)
        except (TypeError, binascii.Error):
            raise Unfit(f"{at}: not base64") from None
        return _sized(value, bytes, shape, at)
    _scalar(value, shape, at)


def _sized(value, kind, shape, at, size=len):
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise Unfit(f"{at}: a {shape.type_name} is expected, not {value!r:.60}")
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if (low is not None and size(value) < low) or (high is not None and size(value) > high):
        raise Unfit(f"{at}: {size(value)} is not within {low} and {high}")


def _scalar(value, shape, at):
    kind = SCALARS[shape.type_name]
    _sized(value, kind, shape, at, size=len if kind is str else lambda number: number)
    if shape.metadata.get("enum") and value not in shape.metadata["enum"]:
        raise Unfit(f"{at}: {value!r} is none of {shape.metadata['enum']}")
    pattern = shape.metadata.get("pattern")
    if pattern and not re.fullmatch(pattern, value):
        raise Unfit(f"{at}: {value!r:.60} does not match {pattern}")


# --- types of Python SDKs ---

def _close(package):
    """Makes every TypedDict of a package refuse members that it does not declare."""
    config = pydantic.ConfigDict(extra="forbid", arbitrary_types_allowed=True)
    for module in [module for name, module in sys.modules.items() if name.startswith(package)]:
        for value in vars(module).values():
            if inspect.isclass(value) and hasattr(value, "__required_keys__"):
                value.__pydantic_config__ = config


@functools.cache
def _adapter(name):
    if name.startswith("openai"):
        from openai.types import embedding_create_params, responses
        from openai.types.chat import completion_create_params as chat
        from openai.types.responses import response_create_params
        _close("openai.types.")
        kind = {"openai chat": chat.CompletionCreateParams, "openai embeddings": embedding_create_params.EmbeddingCreateParams,
                "openai responses": response_create_params.ResponseCreateParams,
                "openai response event": responses.ResponseStreamEvent}[name]
    else:
        import anthropic.types
        _close("anthropic.types.")
        kind = {"anthropic messages": anthropic.types.message_create_params.MessageCreateParams,
                "anthropic event": anthropic.types.RawMessageStreamEvent}[name]
    return pydantic.TypeAdapter(kind)


def _look_into(value):
    """pydantic checks an Iterable only as it is read, and the SDKs' models of answers let everything pass."""
    if isinstance(value, dict):
        for item in value.values():
            _look_into(item)
    elif isinstance(value, pydantic.BaseModel):  # parts of answers may be sent back as the SDK gave them
        _no_extras(value, set(), type(value).__name__)
    elif not isinstance(value, str | bytes | int | float | None):
        for item in value:
            _look_into(item)


def _request(name, body):
    try:
        _look_into(_adapter(name).validate_python(body))
    except pydantic.ValidationError as wrong:
        raise Unfit(f"{name}: {_told(wrong)}") from None


def _told(wrong):
    """Of the branches of a union that failed, the one that came furthest."""
    faults = sorted(wrong.errors(), key=lambda e: -len(e["loc"]))
    return "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']} ({e.get('input')!r:.80})" for e in faults[:4])


def chat_request(body, extensions=()):
    """`extensions`: members of messages and parts that are no part of OpenAI's API and are meant for this server."""
    _request("openai chat", _without(body, extensions))


def embeddings_request(body):
    _request("openai embeddings", body)


def responses_request(body):
    _request("openai responses", body)


def messages_request(body):
    """Models up to 4.6 take sampling parameters, which the SDK's newest types do not name any more."""
    for name, high in (("temperature", 1), ("top_p", 1), ("top_k", 1 << 31)):
        if not 0 <= body.get(name, 0) <= high:
            raise Unfit(f"anthropic messages: {name}: {body[name]}")
    _request("anthropic messages", {k: v for k, v in body.items() if k not in ("temperature", "top_p", "top_k")})


def _without(value, names):
    if isinstance(value, list):
        return [_without(item, names) for item in value]
    if isinstance(value, dict):
        return {k: _without(v, names) for k, v in value.items() if k not in names}
    return value


@functools.cache
def _gemini_adapter():
    class GenerateContent(pydantic.BaseModel, extra="forbid"):
        """What generateContent takes, by the SDK's types of its parts."""
        contents: list[google.Content]
        systemInstruction: google.Content | None = None
        tools: list[google.Tool] | None = None
        toolConfig: google.ToolConfig | None = None
        safetySettings: list[google.SafetySetting] | None = None
        generationConfig: google.GenerationConfig | None = None
        labels: dict[str, str] | None = None
        cachedContent: str | None = None
    return pydantic.TypeAdapter(GenerateContent)


def gemini_request(body):
    if google is None:
        return
    try:
        _gemini_adapter().validate_python(body)
    except pydantic.ValidationError as wrong:
        raise Unfit(f"gemini: {_told(wrong)}") from None


def gemini_answer(body):
    if google is None:
        return
    try:
        google.GenerateContentResponse.model_validate(body)
    except pydantic.ValidationError as wrong:
        raise Unfit(f"gemini: {_told(wrong)}") from None


# --- what the gateway answers ---

def answer(model, body, extensions=()):
    """By a pydantic model of an SDK, strictly; `extensions` are members that our documentation adds."""
    try:
        made = model.model_validate_json(json.dumps(body), strict=True)
    except pydantic.ValidationError as wrong:
        raise Unfit(f"{model.__name__}: {_told(wrong)}") from None
    _no_extras(made, set(extensions), model.__name__)
    return made


def event(name, body, extensions=()):
    try:
        made = _adapter(name).validate_json(json.dumps(body), strict=True)
    except pydantic.ValidationError as wrong:
        raise Unfit(f"{name}: {_told(wrong)}") from None
    _no_extras(made, set(extensions), name)
    return made


def _no_extras(value, allowed, at):
    if isinstance(value, list | tuple):
        for i, item in enumerate(value):
            _no_extras(item, allowed, f"{at}[{i}]")
    if not isinstance(value, pydantic.BaseModel):
        return
    unknown = set(value.model_extra or {}) - allowed
    if unknown:
        raise Unfit(f"{at}: no such member: {sorted(unknown)}")
    for name, item in vars(value).items():
        _no_extras(item, allowed, f"{at}.{name}")
