"""Providers that do not speak OpenAI's API: Anthropic Messages, Bedrock Converse, Gemini. For tests.

Each checks what its vendor's API checks (the facts are the vendors' API references) and refuses the rest with the
vendor's own error, so that a wrong translation fails as it would out there. What it says back:

- to plain text: "echo: " and that text
- to a text with "weather", where a tool is offered: a call of it with {"city": "Oslo"}
- to a tool's result: "result: " and the result
"""
import base64
import binascii
import json
import re
import struct

import schemas


class Refused(Exception):
    def __init__(self, status, message):
        super().__init__(message)
        self.status, self.message = status, message


def need(condition, message):
    if not condition:
        raise Refused(400, message)


def published(check, *what):
    """The body is as the vendor publishes it (see schemas.py)."""
    try:
        check(*what)
    except schemas.Unfit as unfit:
        raise Refused(400, f"unfit: {unfit}") from None


# --- Anthropic ---

class Anthropic:
    kind, model = "anthropic", "claude-sonnet-4-5-20250929"
    auth, path = "auth: {api_key: {file: ../../provider.key}}", ""
    usage = {"input_tokens": 7, "cache_read_input_tokens": 3, "cache_creation_input_tokens": 1}  # 11 in all
    final = {"output_tokens": 5}

    async def __call__(self, request, reply):
        try:
            answer = self.answer(request)
        except Refused as refused:
            return await reply.plain(refused.status, {"type": "error", "request_id": "req_1", "error": {
                "type": "invalid_request_error", "message": refused.message}})
        if not request.json.get("stream"):
            return await reply.plain(200, {
                "id": "msg_1", "type": "message", "role": "assistant", "model": self.model, "content": answer,
                "stop_reason": self.stop(answer), "stop_sequence": None, "usage": {**self.usage, **self.final}})
        await reply.begin_stream()
        for event in self.events(answer):
            await reply.chunk(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode())
        await reply.end_stream()

    @staticmethod
    def stop(answer):
        return "tool_use" if any(b["type"] == "tool_use" for b in answer) else "end_turn"

    def events(self, answer):
        yield {"type": "message_start", "message": {"id": "msg_1", "type": "message", "role": "assistant", "content": [],
               "model": self.model, "stop_reason": None, "usage": {**self.usage, "output_tokens": 1}}}
        yield {"type": "ping"}
        for i, block in enumerate(answer):
            empty = {"text": {"text": ""}, "thinking": {"thinking": "", "signature": ""}, "tool_use": {"input": {}}}
            yield {"type": "content_block_start", "index": i, "content_block": {**block, **empty[block["type"]]}}
            for delta in self.deltas(block):
                yield {"type": "content_block_delta", "index": i, "delta": delta}
            yield {"type": "content_block_stop", "index": i}
        yield {"type": "message_delta", "delta": {"stop_reason": self.stop(answer)}, "usage": self.final}
        yield {"type": "message_stop"}

    @staticmethod
    def deltas(block):
        if block["type"] == "text":
            return [{"type": "text_delta", "text": piece} for piece in pieces(block["text"])]
        if block["type"] == "thinking":
            return [{"type": "thinking_delta", "thinking": block["thinking"]},
                    {"type": "signature_delta", "signature": block["signature"]}]
        return [{"type": "input_json_delta", "partial_json": p} for p in ["", *pieces(json.dumps(block["input"]))]]

    def answer(self, request):
        if request.headers.get("x-api-key") != "provider-secret-key":
            raise Refused(401, "invalid x-api-key")
        need("authorization" not in request.headers, "two credentials")
        need(request.method == "POST" and request.target == "/v1/messages", "unknown path " + request.target)
        need(re.fullmatch(r"20\d\d-\d\d-\d\d", request.headers.get("anthropic-version", "")),
             "anthropic-version: header is required")
        published(schemas.messages_request, request.json)
        body = self.in_blocks(request.json)
        need(body["model"] == self.model, "model: " + body["model"])
        need(body["max_tokens"] >= 1, "max_tokens: is required")
        self.check_messages(body)
        return self.say(body)

    @staticmethod
    def in_blocks(body):
        """Texts are short for blocks."""
        def blocks(content):
            return [{"type": "text", "text": content}] if isinstance(content, str) else content
        for message in body["messages"]:
            message["content"] = blocks(message["content"])
            for block in message["content"]:
                if block["type"] == "tool_result":
                    block["content"] = blocks(block["content"])
        return body

    def check_messages(self, body):
        messages = body["messages"]
        need(messages and messages[0]["role"] == "user", "messages: first message must use the user role")
        for before, message in zip([None, *messages], messages):
            need(message["content"], "messages: all messages must have non-empty content")
            for block in message["content"]:
                need(block["type"] != "text" or block["text"].strip(), "text content blocks must be non-empty")
            calls = [b["id"] for b in (before or {}).get("content", []) if b["type"] == "tool_use"]
            results = [b["tool_use_id"] for b in message["content"] if b["type"] == "tool_result"]
            need(results == calls, "`tool_use` ids were found without `tool_result` blocks immediately after")
            first = [b["type"] == "tool_result" for b in message["content"]]
            need(first == sorted(first, reverse=True), "tool_result blocks must come first")
            need(all(re.fullmatch(r"[a-zA-Z0-9_-]+", i) for i in calls), "tool_use.id: does not match")
            if calls and body.get("thinking"):
                need(before["content"][0]["type"] == "thinking", "Expected `thinking` or `redacted_thinking`")
                need(before["content"][0] == {"type": "thinking", "thinking": "Let me think.", "signature": "c2lnbmVk"},
                     "Invalid `signature` in `thinking` block")
            need(not calls or body.get("tools"), "tools: are required where the messages use them")

    def say(self, body):
        last = body["messages"][-1]["content"]
        thinking = ([{"type": "thinking", "thinking": "Let me think.", "signature": "c2lnbmVk"}]
                    if body.get("thinking") else [])
        if last[0]["type"] == "tool_result":
            return thinking + [{"type": "text", "text": "result: " + last[0]["content"][0]["text"]}]
        text = "".join(b.get("text", "") for b in last)
        image = next((b for b in last if b["type"] == "image"), None)
        if image:
            need(image["source"]["media_type"] == "image/png", "image: unsupported type")
            size = len(base64.b64decode(image["source"]["data"], validate=True))
            return [{"type": "text", "text": f"an image of {size} bytes"}]
        if body.get("output_config", {}).get("format"):
            need(body["output_config"]["format"]["schema"]["additionalProperties"] is False, "schema must be closed")
            return [{"type": "text", "text": '{"city": "Oslo"}'}]
        if "weather" in text and body.get("tools"):
            tool = body["tools"][0]
            need(tool["input_schema"]["type"] == "object", "input_schema.type: Field required")
            call = {"type": "tool_use", "id": "toolu_1", "name": tool["name"], "input": {"city": "Oslo"}}
            return thinking + [{"type": "text", "text": "Let me see."}, call]
        return thinking + [{"type": "text", "text": "echo: " + text}]


# --- Bedrock ---

def event_message(headers, payload):
    """One message of an AWS event stream, by its specification."""
    head = b"".join(struct.pack(">B", len(n)) + n.encode() + b"\x07" + struct.pack(">H", len(v)) + v.encode()
                    for n, v in headers.items())
    prelude = struct.pack(">II", 16 + len(head) + len(payload), len(head))
    message = prelude + struct.pack(">I", binascii.crc32(prelude)) + head + payload
    return message + struct.pack(">I", binascii.crc32(message))


def event(name, **payload):
    return event_message({":event-type": name, ":content-type": "application/json", ":message-type": "event"},
                         json.dumps({**payload, "p": "abcd"}).encode())


def exception(name, **payload):
    return event_message({":exception-type": name, ":content-type": "application/json", ":message-type": "exception"},
                         json.dumps(payload).encode())


async def begin_event_stream(reply):
    await reply.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.amazon.eventstream\r\n"
                     b"Transfer-Encoding: chunked\r\nx-amzn-RequestId: r-1\r\n\r\n")


class Bedrock:
    kind, model = "bedrock", "eu.anthropic.claude-sonnet-4-5-20250929-v1:0"
    auth, path = "auth: {bearer: {file: ../../provider.key}}", ""
    usage = {"inputTokens": 7, "outputTokens": 5, "totalTokens": 16, "cacheReadInputTokens": 3,
             "cacheWriteInputTokens": 1}

    async def __call__(self, request, reply):
        try:
            answer = self.answer(request)
        except Refused as refused:
            name = "AccessDeniedException" if refused.status == 403 else "ValidationException"
            return await reply.plain(refused.status, {"message": refused.message},
                                     [("x-amzn-ErrorType", name + ":http://internal.amazon.com/")])
        stop = "tool_use" if any("toolUse" in b for b in answer) else "end_turn"
        if request.target.endswith("/converse"):
            return await reply.plain(200, {"output": {"message": {"role": "assistant", "content": answer}},
                                           "stopReason": stop, "usage": self.usage, "metrics": {"latencyMs": 5}})
        await begin_event_stream(reply)
        await reply.chunk(event("messageStart", role="assistant"))
        for i, block in enumerate(answer):
            for message in self.events(i, block):
                await reply.chunk(message)
        await reply.chunk(event("messageStop", stopReason=stop) + event("metadata", usage=self.usage, metrics={"latencyMs": 5}))
        await reply.end_stream()

    @staticmethod
    def events(i, block):
        def delta(d):
            return event("contentBlockDelta", contentBlockIndex=i, delta=d)
        if "text" in block:
            yield from (delta({"text": piece}) for piece in pieces(block["text"]))
        elif "reasoningContent" in block:
            whole = block["reasoningContent"]["reasoningText"]
            yield delta({"reasoningContent": {"text": whole["text"]}})
            yield delta({"reasoningContent": {"signature": whole["signature"]}})
        else:
            call = block["toolUse"]
            yield event("contentBlockStart", contentBlockIndex=i,
                        start={"toolUse": {"toolUseId": call["toolUseId"], "name": call["name"]}})
            yield from (delta({"toolUse": {"input": p}}) for p in pieces(json.dumps(call["input"])))
        yield event("contentBlockStop", contentBlockIndex=i)

    def answer(self, request):
        if request.headers.get("authorization") != "Bearer provider-secret-key":
            raise Refused(403, "The security token included in the request is invalid")
        need(re.fullmatch(r"/model/eu\.anthropic\.claude-sonnet-4-5-20250929-v1%3A0/converse(-stream)?", request.target),
             "The provided model identifier is invalid")
        body = request.json
        stream = request.target.endswith("-stream")
        published(schemas.bedrock_request, "ConverseStream" if stream else "Converse", body)
        self.check_messages(body)
        return self.say(body)

    def check_messages(self, body):
        messages = body["messages"]
        roles = [m["role"] for m in messages]
        need(roles == ["user", "assistant"] * (len(roles) // 2) + ["user"] * (len(roles) % 2),
             "roles must alternate, and the first must be the user's")
        thinking = body.get("additionalModelRequestFields", {}).get("thinking")
        for before, message in zip([None, *messages], messages):
            need(all(len(block) == 1 for block in message["content"]), "content blocks have one member")
            need(all(b["text"].strip() for b in message["content"] if "text" in b), "text is blank")
            calls = [b["toolUse"]["toolUseId"] for b in (before or {}).get("content", []) if "toolUse" in b]
            results = [b["toolResult"]["toolUseId"] for b in message["content"] if "toolResult" in b]
            need(results == calls, "Expected toolResult blocks")
            need(not calls or "toolConfig" in body, "The toolConfig field must be defined")
            if calls and thinking:
                signed = {"reasoningText": {"text": "Let me think.", "signature": "c2lnbmVk"}}
                need(before["content"][0].get("reasoningContent") == signed, "Expected `thinking`")

    def say(self, body):
        last = body["messages"][-1]["content"]
        thinking = ([{"reasoningContent": {"reasoningText": {"text": "Let me think.", "signature": "c2lnbmVk"}}}]
                    if body.get("additionalModelRequestFields", {}).get("thinking") else [])
        if "toolResult" in last[0]:
            return thinking + [{"text": "result: " + last[0]["toolResult"]["content"][0]["text"]}]
        text = "".join(b.get("text", "") for b in last)
        image = next((b["image"] for b in last if "image" in b), None)
        if image:
            need(image["format"] == "png", "image: unsupported format")
            return [{"text": f"an image of {len(base64.b64decode(image['source']['bytes'], validate=True))} bytes"}]
        if body.get("outputConfig", {}).get("textFormat"):
            schema = json.loads(body["outputConfig"]["textFormat"]["structure"]["jsonSchema"]["schema"])
            need(schema["additionalProperties"] is False, "schema must be closed")
            return [{"text": '{"city": "Oslo"}'}]
        if "weather" in text and "toolConfig" in body:
            name = body["toolConfig"]["tools"][0]["toolSpec"]["name"]
            call = {"toolUse": {"toolUseId": "tooluse_1", "name": name, "input": {"city": "Oslo"}}}
            return thinking + [{"text": "Let me see."}, call]
        return thinking + [{"text": "echo: " + text}]


# --- Gemini ---

STAND_IN = base64.b64encode(b"skip_thought_signature_validator").decode()


class Gemini:
    kind, model = "vertex", "gemini-3-pro-preview"
    auth, path = "auth: {api_key: {file: ../../provider.key}}", "/v1/projects/p/locations/l/publishers/google"
    usage = {"promptTokenCount": 11, "cachedContentTokenCount": 3, "candidatesTokenCount": 5, "totalTokenCount": 16}
    so_far = {"trafficType": "ON_DEMAND"}  # usage in chunks before the last

    async def __call__(self, request, reply):
        try:
            parts = self.answer(request)
        except Refused as refused:
            status = {401: "UNAUTHENTICATED"}.get(refused.status, "INVALID_ARGUMENT")
            return await reply.plain(refused.status, [{"error": {"code": refused.status, "message": refused.message,
                                                                 "status": status}}])
        if request.target.endswith(":generateContent"):
            return await reply.plain(200, self.chunk(parts, "STOP", self.usage))
        await reply.begin_stream()
        for part in parts:
            for piece in ([{"text": p} for p in pieces(part["text"])] if set(part) == {"text"} else [part]):
                await reply.event(self.chunk([piece], None, self.so_far))
        await reply.event(self.chunk([{"text": ""}], "STOP", self.usage))
        await reply.end_stream()

    def chunk(self, parts, finish, usage):
        candidate = {"content": {"role": "model", "parts": parts}, **({"finishReason": finish} if finish else {})}
        return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": self.model, "responseId": "r1"}

    def answer(self, request):
        if request.headers.get("x-goog-api-key") != "provider-secret-key":
            raise Refused(401, "Request had invalid authentication credentials.")
        need(re.fullmatch(re.escape(f"{self.path}/models/{self.model}:") +
                          r"(generateContent|streamGenerateContent\?alt=sse)", request.target), "unknown path")
        body = request.json
        published(schemas.gemini_request, body)
        self.check_contents(body["contents"])
        return self.say(body)

    @staticmethod
    def check_contents(contents):
        need(contents and contents[0].get("role", "user") == "user", "Please ensure that the first turn is the user's")
        for before, content in zip([None, *contents], contents):
            need(content["parts"], "must include at least one parts field")
            calls = [p["functionCall"]["name"] for p in (before or {}).get("parts", []) if "functionCall" in p]
            results = [p["functionResponse"] for p in content["parts"] if "functionResponse" in p]
            need([r["name"] for r in results] == calls,
                 "number of function response parts is equal to the number of function call parts")
            need(not results or len(results) == len(content["parts"]), "function responses stand alone")
            need(all(isinstance(r["response"], dict) and "id" not in r for r in results), "response: not an object")
            first = next((p for p in (before or {}).get("parts", []) if "functionCall" in p), None)
            # Its own signature, or what its documentation lets clients say that have lost it.
            need(not first or first.get("thoughtSignature") in ("c2lnbmVk", STAND_IN),
                 "Function call is missing a thought_signature")

    def say(self, body):
        last = body["contents"][-1]["parts"]
        config = body.get("generationConfig", {})
        thoughts = ([{"text": "Let me think.", "thought": True}]
                    if config.get("thinkingConfig", {}).get("includeThoughts") else [])
        if "functionResponse" in last[0]:
            [result] = last[0]["functionResponse"]["response"].values()
            return thoughts + [{"text": "result: " + result}]
        text = "".join(p.get("text", "") for p in last)
        image = next((p["inlineData"] for p in last if "inlineData" in p), None)
        if image:
            # Protobuf's JSON: both spellings, both alphabets. Google's own SDK sends the second of each.
            need("image/png" in (image.get("mimeType"), image.get("mime_type")), "Unsupported MIME type")
            data = image["data"].replace("-", "+").replace("_", "/")
            return [{"text": f"an image of {len(base64.b64decode(data, validate=True))} bytes"}]
        if "responseJsonSchema" in config or "responseSchema" in config:
            need(config["responseMimeType"] == "application/json", "responseMimeType is missing")
            return [{"text": '{"city": "Oslo"}'}]
        if "weather" in text and body.get("tools"):
            name = body["tools"][0]["functionDeclarations"][0]["name"]
            call = {"functionCall": {"name": name, "args": {"city": "Oslo"}}, "thoughtSignature": "c2lnbmVk"}
            return thoughts + [{"text": "Let me see."}, call]
        return thoughts + [{"text": "echo: " + text}]


# --- OpenAI's chat API, for callers of another ---

class Chat:
    kind, model = "openai_compatible", "sim-gpt"
    auth, path = "auth: {bearer: {file: ../../provider.key}}", "/v1"
    stream_options = {"include_usage": True}  # of each stream that is asked for
    usage = {"prompt_tokens": 11, "completion_tokens": 5, "total_tokens": 16,
             "prompt_tokens_details": {"cached_tokens": 3}}

    async def __call__(self, request, reply):
        try:
            message = self.answer(request)
        except Refused as refused:
            return await reply.plain(refused.status, {"error": {
                "message": refused.message, "type": "invalid_request_error", "param": None, "code": None}})
        finish = "tool_calls" if "tool_calls" in message else "stop"
        head = {"id": "chatcmpl-1", "created": 1764000000, "model": self.model}
        if not request.json.get("stream"):
            return await reply.plain(200, {**head, "object": "chat.completion", "usage": self.usage, "choices": [
                {"index": 0, "message": {"role": "assistant", **message}, "logprobs": None, "finish_reason": finish}]})
        await reply.begin_stream()
        for delta in [{"role": "assistant", "content": ""}, *self.deltas(message)]:
            await reply.event({**head, "object": "chat.completion.chunk", "choices": [
                {"index": 0, "delta": delta, "finish_reason": None}]})
        await reply.event({**head, "object": "chat.completion.chunk", "choices": [
            {"index": 0, "delta": {}, "finish_reason": finish}]})
        need(request.json.get("stream_options") == self.stream_options, "usage was not asked for")
        await reply.event({**head, "object": "chat.completion.chunk", "choices": [], "usage": self.usage})
        await reply.event("[DONE]")
        await reply.end_stream()

    @staticmethod
    def deltas(message):
        for member in ("reasoning_content", "content"):
            yield from ({member: piece} for piece in pieces(message.get(member) or ""))
        for i, call in enumerate(message.get("tool_calls", [])):
            first, *rest = pieces(call["function"]["arguments"])
            yield {"tool_calls": [{"index": i, **call, "function": {**call["function"], "arguments": first}}]}
            yield from ({"tool_calls": [{"index": i, "function": {"arguments": piece}}]} for piece in rest)

    def answer(self, request):
        if request.headers.get("authorization") != "Bearer provider-secret-key":
            raise Refused(401, "Incorrect API key provided")
        need(request.method == "POST" and request.target == "/v1/chat/completions", "unknown path " + request.target)
        body = request.json
        published(schemas.chat_request, body)
        need(body["model"] == self.model, "The model does not exist: " + body["model"])
        self.check_messages(body["messages"])
        return self.say(body)

    @staticmethod
    def check_messages(messages):
        waiting = []
        for message in messages:
            role = message["role"]
            need(role in ("system", "developer", "user", "assistant", "tool"), "messages.role: " + role)
            if role == "tool":
                need(message["tool_call_id"] in waiting, "tool_call_id: answers no call")
                waiting.remove(message["tool_call_id"])
                continue
            need(not waiting, "an assistant message with 'tool_calls' must be followed by tool messages")
            for call in message.get("tool_calls", []):
                need(call["type"] == "function" and isinstance(json.loads(call["function"]["arguments"]), dict), "call")
                waiting.append(call["id"])
        need(not waiting, "tool_call_ids did not have response messages")

    def say(self, body):
        thinking = ({"reasoning_content": "Let me think."}
                    if body.get("reasoning_effort", "none") != "none" else {})
        last = body["messages"][-1]
        content = last["content"] if isinstance(last["content"], list) else [{"type": "text", "text": last["content"]}]
        text = "".join(part.get("text", "") for part in content)
        if last["role"] == "tool":
            return {**thinking, "content": "result: " + text}
        image = next((part["image_url"]["url"] for part in content if part["type"] == "image_url"), None)
        if image:
            need(image.startswith("data:image/png;base64,"), "image_url: unsupported")
            size = len(base64.b64decode(image.partition(",")[2], validate=True))
            return {"content": f"an image of {size} bytes"}
        if body.get("response_format"):
            schema = body["response_format"]["json_schema"]
            need(schema["name"] and schema["schema"]["additionalProperties"] is False, "schema must be closed")
            return {"content": '{"city": "Oslo"}'}
        if "weather" in text and body.get("tools"):
            tool = body["tools"][0]["function"]
            need(tool["parameters"]["type"] == "object", "parameters: not an object")
            call = {"id": "call_1", "type": "function",
                    "function": {"name": tool["name"], "arguments": '{"city": "Oslo"}'}}
            return {**thinking, "content": "Let me see.", "tool_calls": [call]}
        return {**thinking, "content": "echo: " + text}


def pieces(text):
    """A text in three pieces, so that it has to be put together."""
    third = max(1, len(text) // 3)
    return [p for p in (text[:third], text[third:2 * third], text[2 * third:]) if p]


ALL = [Anthropic, Bedrock, Gemini]
EVERY = [Chat, *ALL]  # for callers whose API is not OpenAI's
