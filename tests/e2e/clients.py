"""The vendors' SDKs as clients of the gateway, each behind the same few verbs, so that one test can ask all of them.

A verb that an SDK has no counterpart for is left out, and the matrix has no such cell.
"""
import asyncio
import base64
import json
import os
import shutil
import subprocess

import httpx
import pytest
from gateway import ROOT, SLOW

TIMEOUT = 30 * SLOW
PNG = ("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"],
          "additionalProperties": False}
QUESTION = "what is the weather?"


class OpenAI:
    """openai for Python."""
    tool = {"type": "function", "function": {"name": "get_weather", "description": "Weather now", "parameters": SCHEMA}}

    def __init__(self, gateway):
        import openai
        self.errors = openai
        self.http = httpx.Client(verify=gateway.tls_context())
        self.client = self.make(openai, gateway, self.http)

    def make(self, openai, gateway, http):
        return openai.OpenAI(base_url=gateway.url, api_key=gateway.key(), max_retries=0, timeout=TIMEOUT, http_client=http)

    def close(self):
        self.http.close()

    def create(self, content, **more):
        messages = content if isinstance(content, list) and "role" in content[0] else [{"role": "user", "content": content}]
        return self.client.chat.completions.create(model="gpt", messages=messages, **more)

    def plain(self, text):
        return self.create(text).choices[0].message.content

    def stream(self, text):
        chunks = self.create(text, stream=True)
        return [c.choices[0].delta.content for c in chunks if c.choices and c.choices[0].delta.content]

    def tools(self):
        messages = [{"role": "user", "content": QUESTION}]
        message = self.create(messages, tools=[self.tool]).choices[0].message
        [call] = message.tool_calls
        messages += [message, {"role": "tool", "tool_call_id": call.id, "content": "4 degrees"}]
        return (call.function.name, json.loads(call.function.arguments),
                self.create(messages, tools=[self.tool]).choices[0].message.content)

    def streamed_tools(self):
        with self.client.chat.completions.stream(model="gpt", messages=[{"role": "user", "content": QUESTION}],
                                                 tools=[self.tool]) as stream:
            stream.until_done()
            [call] = stream.get_final_completion().choices[0].message.tool_calls
        return call.function.name, json.loads(call.function.arguments)

    def structured(self):
        from pydantic import BaseModel

        class Capital(BaseModel):
            city: str
        answer = self.client.chat.completions.parse(model="gpt", response_format=Capital,
                                                    messages=[{"role": "user", "content": "capital of Norway?"}])
        return answer.choices[0].message.parsed.city

    def image(self):
        return self.create([{"type": "text", "text": "What is this?"},
                            {"type": "image_url", "image_url": {"url": "data:image/png;base64," + PNG}}]
                           ).choices[0].message.content

    def usage(self, text):
        usage = self.create(text).usage
        return usage.prompt_tokens, usage.completion_tokens

    def refusal(self):
        with pytest.raises(self.errors.NotFoundError) as caught:
            self.client.chat.completions.create(model="nobody", messages=[{"role": "user", "content": "x"}])
        return caught.value.code

    def raw(self):
        raw = self.client.chat.completions.with_raw_response.create(
            model="gpt", messages=[{"role": "user", "content": "hi"}])
        return raw.headers, raw.parse().choices[0].message.content

    def impatient(self):
        with pytest.raises(self.errors.APITimeoutError):
            self.client.with_options(timeout=0.5).chat.completions.create(
                model="gpt", messages=[{"role": "user", "content": "wait"}])

    def leave(self):
        """Takes the first piece of a stream and goes."""
        stream = self.create("wait in the middle", stream=True)
        for chunk in stream:
            if chunk.choices and chunk.choices[0].delta.content:
                break
        stream.close()


class AzureOpenAI(OpenAI):
    """openai for Python, AzureOpenAI: other paths, another header."""

    def make(self, openai, gateway, http):
        return openai.AzureOpenAI(azure_endpoint=gateway.url.removesuffix("/v1"), api_key=gateway.key(),
                                  api_version="2024-10-21", max_retries=0, timeout=TIMEOUT, http_client=http)


class AsyncOpenAI:
    """openai for Python, asynchronous."""

    def __init__(self, gateway):
        self.gateway = gateway

    def close(self):
        pass

    def run(self, use):
        import openai

        async def inside():
            async with httpx.AsyncClient(verify=self.gateway.tls_context()) as http:
                return await use(openai.AsyncOpenAI(base_url=self.gateway.url, api_key=self.gateway.key(), max_retries=0,
                                                    timeout=TIMEOUT, http_client=http))
        return asyncio.run(inside())

    def plain(self, text):
        async def use(client):
            answer = await client.chat.completions.create(model="gpt", messages=[{"role": "user", "content": text}])
            return answer.choices[0].message.content
        return self.run(use)

    def stream(self, text):
        async def use(client):
            stream = await client.chat.completions.create(model="gpt", stream=True,
                                                          messages=[{"role": "user", "content": text}])
            return [c.choices[0].delta.content async for c in stream if c.choices and c.choices[0].delta.content]
        return self.run(use)

    def structured(self):
        async def use(client):
            from pydantic import BaseModel

            class Capital(BaseModel):
                city: str
            answer = await client.chat.completions.parse(model="gpt", response_format=Capital,
                                                         messages=[{"role": "user", "content": "capital of Norway?"}])
            return answer.choices[0].message.parsed.city
        return self.run(use)

    def leave(self):
        async def use(client):
            stream = await client.chat.completions.create(model="gpt", stream=True,
                                                          messages=[{"role": "user", "content": "wait in the middle"}])
            async for chunk in stream:
                if chunk.choices and chunk.choices[0].delta.content:
                    break
            await stream.close()
        return self.run(use)


class Responses(OpenAI):
    """openai for Python, by its Responses API."""
    tool = {"type": "function", "name": "get_weather", "description": "Weather now", "parameters": SCHEMA}

    def plain(self, text):
        return self.client.responses.create(model="gpt", input=text).output_text

    def stream(self, text):
        return [e.delta for e in self.client.responses.create(model="gpt", input=text, stream=True)
                if e.type == "response.output_text.delta"]

    def tools(self):
        asked = [{"role": "user", "content": QUESTION}]
        first = self.client.responses.create(model="gpt", input=asked, tools=[self.tool])
        [call] = [item for item in first.output if item.type == "function_call"]
        asked += [*first.output, {"type": "function_call_output", "call_id": call.call_id, "output": "4 degrees"}]
        second = self.client.responses.create(model="gpt", input=asked, tools=[self.tool])
        return call.name, json.loads(call.arguments), second.output_text

    def streamed_tools(self):
        with self.client.responses.stream(model="gpt", input=QUESTION, tools=[self.tool]) as stream:
            for _ in stream:
                pass
            [call] = [item for item in stream.get_final_response().output if item.type == "function_call"]
        return call.name, json.loads(call.arguments)

    def structured(self):
        from pydantic import BaseModel

        class Capital(BaseModel):
            city: str
        return self.client.responses.parse(model="gpt", input="capital of Norway?", text_format=Capital).output_parsed.city

    def image(self):
        return self.client.responses.create(model="gpt", input=[{"role": "user", "content": [
            {"type": "input_text", "text": "What is this?"},
            {"type": "input_image", "image_url": "data:image/png;base64," + PNG}]}]).output_text

    def usage(self, text):
        usage = self.client.responses.create(model="gpt", input=text).usage
        return usage.input_tokens, usage.output_tokens

    def refusal(self):
        with pytest.raises(self.errors.NotFoundError) as caught:
            self.client.responses.create(model="nobody", input="x")
        return caught.value.code

    def raw(self):
        raw = self.client.responses.with_raw_response.create(model="gpt", input="hi")
        return raw.headers, raw.parse().output_text

    def impatient(self):
        with pytest.raises(self.errors.APITimeoutError):
            self.client.with_options(timeout=0.5).responses.create(model="gpt", input="wait")

    def leave(self):
        stream = self.client.responses.create(model="gpt", input="wait in the middle", stream=True)
        for event in stream:
            if event.type == "response.output_text.delta":
                break
        stream.close()


class Anthropic:
    """anthropic for Python."""
    tool = {"name": "get_weather", "description": "Weather now", "input_schema": SCHEMA}

    def __init__(self, gateway):
        import anthropic
        self.errors = anthropic
        # Its SDK has an HTTP client of its own; the system's way of trusting a certificate is what both read.
        self.client = anthropic.Anthropic(base_url=gateway.url.removesuffix("/v1"), api_key=gateway.key(), max_retries=0,
                                          timeout=TIMEOUT, http_client=anthropic_http(anthropic, gateway))

    def close(self):
        self.client.close()

    def create(self, content, **more):
        messages = content if isinstance(content, list) and "role" in content[0] else [{"role": "user", "content": content}]
        return self.client.messages.create(model="gpt", max_tokens=100, messages=messages, **more)

    @staticmethod
    def text(message):
        return "".join(block.text for block in message.content if block.type == "text")

    def plain(self, text):
        return self.text(self.create(text))

    def stream(self, text):
        with self.client.messages.stream(model="gpt", max_tokens=100,
                                         messages=[{"role": "user", "content": text}]) as stream:
            return list(stream.text_stream)

    def tools(self):
        messages = [{"role": "user", "content": QUESTION}]
        first = self.create(messages, tools=[self.tool])
        [call] = [block for block in first.content if block.type == "tool_use"]
        messages += [{"role": "assistant", "content": first.content}, {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": call.id, "content": "4 degrees"}]}]
        return call.name, call.input, self.text(self.create(messages, tools=[self.tool]))

    def streamed_tools(self):
        with self.client.messages.stream(model="gpt", max_tokens=100, tools=[self.tool],
                                         messages=[{"role": "user", "content": QUESTION}]) as stream:
            [call] = [block for block in stream.get_final_message().content if block.type == "tool_use"]
        return call.name, call.input

    def structured(self):
        answer = self.create("capital of Norway?", output_config={"format": {"type": "json_schema", "schema": SCHEMA}})
        return json.loads(self.text(answer))["city"]

    def image(self):
        return self.text(self.create([{"type": "text", "text": "What is this?"}, {"type": "image", "source": {
            "type": "base64", "media_type": "image/png", "data": PNG}}]))

    def usage(self, text):
        usage = self.create(text).usage
        cached = (usage.cache_read_input_tokens or 0) + (usage.cache_creation_input_tokens or 0)
        return usage.input_tokens + cached, usage.output_tokens

    def refusal(self):
        with pytest.raises(self.errors.NotFoundError) as caught:
            self.client.messages.create(model="nobody", max_tokens=5, messages=[{"role": "user", "content": "x"}])
        return {"not_found_error": "model_not_found"}[caught.value.body["error"]["type"]]

    def raw(self):
        raw = self.client.messages.with_raw_response.create(model="gpt", max_tokens=100,
                                                            messages=[{"role": "user", "content": "hi"}])
        return raw.headers, self.text(raw.parse())

    def impatient(self):
        with pytest.raises(self.errors.APITimeoutError):
            self.client.with_options(timeout=0.5).messages.create(model="gpt", max_tokens=5,
                                                                  messages=[{"role": "user", "content": "wait"}])

    def leave(self):
        with self.client.messages.stream(model="gpt", max_tokens=100,
                                         messages=[{"role": "user", "content": "wait in the middle"}]) as stream:
            next(iter(stream.text_stream))


def anthropic_http(anthropic, gateway):
    """An HTTP client that trusts the gateway's certificate, of the library that the SDK was built on."""
    return anthropic.DefaultHttpxClient(verify=gateway.tls_context())


class LangChain:
    """langchain-openai."""

    def __init__(self, gateway):
        pytest.importorskip("langchain_openai", reason="suite e2e-langchain: langchain-openai could not be fetched")
        from langchain_openai import ChatOpenAI
        self.http = httpx.Client(verify=gateway.tls_context())
        self.model = ChatOpenAI(model="gpt", base_url=gateway.url, api_key=gateway.key(), max_retries=0, timeout=TIMEOUT,
                                http_client=self.http)

    def close(self):
        self.http.close()

    def plain(self, text):
        return self.model.invoke(text).content

    def stream(self, text):
        return [chunk.content for chunk in self.model.stream(text) if chunk.content]

    def tools(self):
        from langchain_core.messages import HumanMessage, ToolMessage
        bound = self.model.bind_tools([OpenAI.tool])
        messages = [HumanMessage(QUESTION)]
        first = bound.invoke(messages)
        [call] = first.tool_calls
        messages += [first, ToolMessage("4 degrees", tool_call_id=call["id"])]
        return call["name"], call["args"], bound.invoke(messages).content

    def structured(self):
        answer = self.model.with_structured_output({**SCHEMA, "title": "capital"}, method="json_schema", strict=True)
        return answer.invoke("capital of Norway?")["city"]

    def image(self):
        return self.model.invoke([{"role": "user", "content": [
            {"type": "text", "text": "What is this?"},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64," + PNG}}]}]).content

    def usage(self, text):
        usage = self.model.invoke(text).usage_metadata
        return usage["input_tokens"], usage["output_tokens"]


class Node:
    """openai for Node: one process a verb."""

    def __init__(self, gateway):
        self.folder = ROOT / "build/node"
        if not (self.folder / "node_modules/openai").is_dir():
            pytest.skip("suite e2e-node: the openai package for Node could not be fetched from npm")
        self.env = {**os.environ, "OPENAI_BASE_URL": gateway.url, "OPENAI_API_KEY": gateway.key(),
                    "NODE_EXTRA_CA_CERTS": gateway.ca}
        shutil.copy(ROOT / "tests/e2e/matrix.mjs", self.folder / "matrix.mjs")

    def close(self):
        pass

    def ask(self, verb, text=""):
        done = subprocess.run(["node", "matrix.mjs", verb, text], cwd=self.folder, capture_output=True, text=True,
                              timeout=60 * SLOW, env=self.env)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def plain(self, text):
        return self.ask("plain", text)

    def stream(self, text):
        return self.ask("stream", text)

    def tools(self):
        return tuple(self.ask("tools", QUESTION))

    def structured(self):
        return self.ask("structured")

    def image(self):
        return self.ask("image", PNG)

    def refusal(self):
        return self.ask("refusal")


ALL = [OpenAI, AsyncOpenAI, AzureOpenAI, Responses, Anthropic, LangChain, Node]
assert base64.b64decode(PNG)[1:4] == b"PNG"
