"""A provider that speaks OpenAI's Responses API, and says what those of dialects.py say. For tests."""
import base64
import json

from dialects import Refused, need, pieces


def image_size(url):
    need(url.startswith("data:image/png;base64,"), "Invalid image URL")
    return len(base64.b64decode(url.split(",", 1)[1], validate=True))


class Responses:
    """POST /v1/responses, which must never be asked to keep anything."""
    kind, model, apis = "openai_compatible", "sim-gpt", "apis: [chat, responses]\n"
    auth, path = "auth: {bearer: {file: ../../provider.key}}", "/v1"
    usage = {"input_tokens": 11, "input_tokens_details": {"cached_tokens": 3}, "output_tokens": 5,
             "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 16}
    signed = {"id": "rs_1", "type": "reasoning", "summary": [{"type": "summary_text", "text": "Let me think."}],
              "encrypted_content": "gAAAAAsigned=="}

    async def __call__(self, request, reply):
        try:
            output = self.answer(request)
        except Refused as refused:
            return await reply.plain(refused.status, {"error": {
                "message": refused.message, "type": "invalid_request_error", "param": None, "code": None}})
        body = request.json
        response = {"id": "resp_theirs", "object": "response", "created_at": 1, "status": "completed", "error": None,
                    "incomplete_details": None, "instructions": body.get("instructions"), "model": self.model,
                    "output": output, "parallel_tool_calls": True, "tool_choice": "auto", "tools": body.get("tools", []),
                    "temperature": 1.0, "top_p": 1.0, "metadata": {}, "store": False, "usage": self.usage,
                    "text": body.get("text", {"format": {"type": "text"}}), "their_own": {"kept": [1, 2]}}
        if not body.get("stream"):
            return await reply.plain(200, response)
        await reply.begin_stream()
        for n, event in enumerate(self.events(response)):
            data = json.dumps({"type": event["type"], "sequence_number": n, **event})
            await reply.chunk(f"event: {event['type']}\ndata: {data}\n\n".encode())
        await reply.end_stream()

    def events(self, response):
        begun = {**response, "status": "in_progress", "output": [], "usage": None}
        yield {"type": "response.created", "response": begun}
        yield {"type": "response.in_progress", "response": begun}
        for i, item in enumerate(response["output"]):
            at = {"item_id": item["id"], "output_index": i}
            empty = {"message": {"content": [], "status": "in_progress"}, "function_call": {"arguments": ""},
                     "custom_tool_call": {"input": ""}, "reasoning": {"summary": []}}.get(item["type"], {})
            yield {"type": "response.output_item.added", "output_index": i, "item": {**item, **empty}}
            yield from self.inside(item, at)
            yield {"type": "response.output_item.done", "output_index": i, "item": item}
        yield {"type": "response.completed", "response": response}

    @staticmethod
    def inside(item, at):
        if item["type"] == "message":
            text = item["content"][0]["text"]
            at = {**at, "content_index": 0}
            yield {"type": "response.content_part.added", **at, "part": {**item["content"][0], "text": ""}}
            for piece in pieces(text):
                yield {"type": "response.output_text.delta", **at, "delta": piece, "logprobs": [], "obfuscation": "xy"}
            yield {"type": "response.output_text.done", **at, "text": text, "logprobs": []}
            yield {"type": "response.content_part.done", **at, "part": item["content"][0]}
        if item["type"] == "function_call":
            for piece in pieces(item["arguments"]):
                yield {"type": "response.function_call_arguments.delta", **at, "delta": piece}
            yield {"type": "response.function_call_arguments.done", **at, "arguments": item["arguments"],
                   "name": item["name"]}
        if item["type"] == "custom_tool_call":
            yield {"type": "response.custom_tool_call_input.delta", **at, "delta": item["input"]}
            yield {"type": "response.custom_tool_call_input.done", **at, "input": item["input"]}

    def answer(self, request):
        if request.headers.get("authorization") != "Bearer provider-secret-key":
            raise Refused(401, "Incorrect API key provided")
        need(request.target == "/v1/responses", "unknown path " + request.target)
        body = request.json
        need(body["store"] is False, "nothing may be stored")
        return self.say(body)

    def message(self, text):
        return {"id": "msg_1", "type": "message", "status": "completed", "role": "assistant",
                "content": [{"type": "output_text", "text": text, "annotations": [], "logprobs": []}]}

    def say(self, body):
        items = body["input"] if isinstance(body["input"], list) else [{"role": "user", "content": body["input"]}]
        thinking = [self.signed] if body.get("reasoning") else []
        last = items[-1]
        if last.get("type") in ("function_call_output", "custom_tool_call_output"):
            if thinking:
                need(self.signed in items, "the reasoning of the call is missing")
            return thinking + [self.message("result: " + last["output"])]
        content = last["content"]
        parts = [{"type": "input_text", "text": content}] if isinstance(content, str) else content
        images = [p for p in parts if p["type"] == "input_image"]
        if images:
            return [self.message(f"an image of {image_size(images[0]['image_url'])} bytes")]
        text = "".join(p.get("text", "") for p in parts)
        if body.get("text", {}).get("format", {}).get("type") == "json_schema":
            return [self.message('{"city": "Oslo"}')]
        if "weather" in text and body.get("tools"):
            tool = body["tools"][0]
            call = ({"type": "custom_tool_call", "id": "ctc_1", "input": "Oslo now"} if tool["type"] == "custom" else
                    {"type": "function_call", "id": "fc_1", "arguments": '{"city": "Oslo"}', "status": "completed"})
            return thinking + [self.message("Let me see."), {**call, "call_id": "call_1", "name": tool["name"]}]
        return thinking + [self.message("echo: " + text)]
