"""Providers that keep an invoice: what each call costs by their own count, told or not. For tests.

A token is four bytes of text here, as real tokenizers have it for English, so that the gateway's estimates can be held
against something. Words in the prompt make a provider misbehave:

- "wait before": no answer until the gateway leaves; the prompt is billed
- "wait inside": silent after the first piece; the prompt and that piece are billed
- "break inside": the connection ends after the first piece; billed likewise
- "refuse 500", "refuse 429": that status, nothing billed
- "filtered": refused by a content filter that read the prompt, which is billed (Azure OpenAI)
"""
import asyncio
import dataclasses
import math
import re
from fractions import Fraction

import dialects
import test_embeddings
from test_matrix import VertexClaude

PRICE = {"input": Fraction(2), "cached_input": Fraction(1, 5), "cache_write": Fraction(5, 2), "output": Fraction(8)}


def tokens(text):
    return math.ceil(len(text) / 4)


def text_of(value, keys=("text", "content", "inputText", "input", "texts")):
    """All prompt texts in a body of any dialect, one after the other."""
    if isinstance(value, list):
        return "".join(item if isinstance(item, str) else text_of(item) for item in value)
    if not isinstance(value, dict):
        return ""
    return "".join(v if isinstance(v, str) and k in keys else text_of(v) if isinstance(v, dict | list) else ""
                   for k, v in value.items())


@dataclasses.dataclass
class Bill:
    """One call at one provider. `input` includes what caches served and took, `output` the reasoning."""
    provider: str
    request_id: str
    mode: str
    input: int = 0
    cached: int = 0
    written: int = 0
    output: int = 0
    reasoning: int = 0
    told: bool = False          # the usage has left the house
    told_input: bool = False    # that of the prompt has

    def cost(self):
        """In dollars, exact."""
        plain = self.input - self.cached - self.written
        return (plain * PRICE["input"] + self.cached * PRICE["cached_input"] + self.written * PRICE["cache_write"] +
                self.output * PRICE["output"]) / 1_000_000


# --- how each API words a bill ---

def in_openais_words(bill):
    return {"usage": {
        "prompt_tokens": bill.input, "completion_tokens": bill.output, "total_tokens": bill.input + bill.output,
        "prompt_tokens_details": {"cached_tokens": bill.cached, "cache_write_tokens": bill.written},
        "completion_tokens_details": {"reasoning_tokens": bill.reasoning}}}


def in_anthropics_words(bill):
    return {"usage": {"input_tokens": bill.input - bill.cached - bill.written, "cache_read_input_tokens": bill.cached,
                      "cache_creation_input_tokens": bill.written},
            "final": {"output_tokens": bill.output, "output_tokens_details": {"thinking_tokens": bill.reasoning}}}


def in_bedrocks_words(bill):
    return {"usage": {
        "inputTokens": bill.input - bill.cached - bill.written, "outputTokens": bill.output,
        "totalTokens": bill.input + bill.output, "cacheReadInputTokens": bill.cached,
        "cacheWriteInputTokens": bill.written}}


def in_googles_words(bill):
    return {"usage": {
        "promptTokenCount": bill.input, "cachedContentTokenCount": bill.cached,
        "candidatesTokenCount": bill.output - bill.reasoning, "thoughtsTokenCount": bill.reasoning,
        "totalTokenCount": bill.input + bill.output},
            "so_far": {"promptTokenCount": bill.input, "cachedContentTokenCount": bill.cached, "candidatesTokenCount": 1,
                       "totalTokenCount": bill.input + 1}}


class Azure(dialects.Chat):
    """OpenAI's wire format with Azure's path, key and annotations of its filter."""
    kind, model, path = "azure_openai", "our-deployment", ""
    auth = "api_version: '2024-10-21'\nauth: {api_key: {file: ../../provider.key}}"
    clean = {"hate": {"filtered": False, "severity": "safe"}}

    async def __call__(self, request, reply):
        begin = reply.begin_stream

        async def begin_filtered():
            await begin()
            await reply.event({"id": "", "object": "", "created": 0, "model": "", "choices": [], "prompt_filter_results": [
                {"prompt_index": 0, "content_filter_results": self.clean}]})
        reply.begin_stream = begin_filtered
        await super().__call__(request, reply)

    def answer(self, request):
        dialects.need(request.headers.get("api-key") == "provider-secret-key", "Access denied")
        dialects.need(request.target == f"/openai/deployments/{self.model}/chat/completions?api-version=2024-10-21",
                      "Resource not found")
        self.check_messages(request.json["messages"])
        return self.say(request.json)


# name: (API, how it words a bill, what its usage distinguishes)
CHATS = {"openai": (dialects.Chat, in_openais_words, {"cached", "written", "reasoning"}),
         "azure": (Azure, in_openais_words, {"cached", "reasoning"}),
         "anthropic": (dialects.Anthropic, in_anthropics_words, {"cached", "written", "reasoning"}),
         "bedrock": (dialects.Bedrock, in_bedrocks_words, {"cached", "written"}),
         "gemini": (dialects.Gemini, in_googles_words, {"cached", "reasoning"}),
         "vertex-claude": (VertexClaude, in_anthropics_words, {"cached", "written", "reasoning"})}
EMBEDDINGS = {"openai-vectors": test_embeddings.OpenAI, "titan": test_embeddings.Titan,
              "cohere": test_embeddings.Cohere, "vertex-vectors": test_embeddings.Vertex}


class Billed:
    """A provider of one of the APIs; `invoice` is shared by all. `obedient`: no words make it misbehave."""

    def __init__(self, name, invoice, obedient=False):
        self.name, self.invoice, self.obedient = name, invoice, obedient
        self.api, self.words, self.details = CHATS[name.removesuffix("-spare")]

    def write_bill(self, request):
        prompt = text_of(request.json)
        found = re.search(r"(wait before|wait inside|break inside|refuse \d+|filtered)", prompt)
        bill = Bill(self.name, request.headers["x-request-id"], "" if self.obedient or not found else found[1])
        self.invoice.append(bill)
        if bill.mode.startswith("refuse"):
            return bill, prompt
        bill.input = tokens(prompt) + 8
        bill.cached = bill.input // 3 if "cached" in self.details else 0
        bill.written = bill.input // 7 if "written" in self.details else 0
        return bill, prompt

    async def __call__(self, request, reply):
        bill, prompt = self.write_bill(request)
        if bill.mode == "wait before":
            return await asyncio.Event().wait()
        if bill.mode.startswith("refuse"):
            return await reply.plain(int(bill.mode.split()[1]), {"error": {"message": "no", "type": "x", "code": None}})
        if bill.mode == "filtered":
            return await reply.plain(400, {"error": {
                "message": "The response was filtered.", "type": None, "param": "prompt", "code": "content_filter",
                "status": 400, "innererror": {"code": "ResponsibleAIPolicyViolation"}}})
        said = "echo: " + prompt
        first = dialects.pieces(said)[0]
        bill.reasoning = 11 if "reasoning" in self.details else 0
        bill.output = tokens(said) + bill.reasoning
        api = self.api()
        for name, value in self.words(bill).items():
            setattr(api, name, value)
        if bill.mode:
            bill.output, bill.reasoning = tokens(first), 0
            bill.told_input = len(self.words(bill)) > 1  # Anthropic's and Google's streams tell that first
            self.stop_inside(reply, bill.mode)
        await api(request, reply)
        bill.told = True

    @staticmethod
    def stop_inside(reply, mode):
        send = reply.chunk

        async def chunk(data):
            await send(data)
            if b"echo" in data and mode == "break inside":
                reply.writer.close()
                reply.close_after = True
            if b"echo" in data:
                await asyncio.Event().wait()
        reply.chunk = chunk


class BilledEmbeddings:
    """A provider of embeddings, three tokens a text (see test_embeddings.py)."""

    def __init__(self, name, invoice):
        self.name, self.invoice, self.api = name, invoice, EMBEDDINGS[name]()

    async def __call__(self, request, reply):
        body = request.json
        texts = body.get("texts") or body.get("instances") or body.get("input") or [body["inputText"]]
        count = 1 if isinstance(texts, str) else len(texts)
        self.invoice.append(Bill(self.name, request.headers["x-request-id"], "", input=3 * count, told=True))
        await self.api(request, reply)
