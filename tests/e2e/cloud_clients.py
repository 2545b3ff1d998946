"""Google's and AWS's SDKs as clients of the gateway, with the verbs of clients.py."""
import asyncio
import base64
import json
import os

import httpx2
import pytest
from gateway import SLOW

TIMEOUT = 30 * SLOW
PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
QUESTION = "what is the weather?"


class GoogleGenAI:
    """google-genai for Python."""

    def __init__(self, gateway):
        pytest.importorskip("google.genai", reason="suite e2e-google-genai: google-genai could not be fetched")
        from google import genai
        from google.genai import errors, types
        self.gateway, self.errors, self.types = gateway, errors, types
        self.http = httpx2.Client(verify=gateway.tls_context(), timeout=TIMEOUT)
        self.client = genai.Client(api_key=gateway.key(), http_options=types.HttpOptions(
            base_url=gateway.url.removesuffix("/v1"), httpx_client=self.http))
        self.tool = types.Tool(function_declarations=[types.FunctionDeclaration(
            name="get_weather", description="Weather now", parameters=types.Schema(
                type="OBJECT", properties={"city": types.Schema(type="STRING")}, required=["city"]))])

    def close(self):
        self.http.close()

    def create(self, contents, **config):
        return self.client.models.generate_content(model="gpt", contents=contents, config=config or None)

    def plain(self, text):
        return self.create(text).text

    def stream(self, text):
        return [c.text for c in self.client.models.generate_content_stream(model="gpt", contents=text) if c.text]

    def tools(self):
        off = self.types.AutomaticFunctionCallingConfig(disable=True)
        contents = [self.types.Content(role="user", parts=[self.types.Part(text=QUESTION)])]
        first = self.create(contents, tools=[self.tool], automatic_function_calling=off)
        [call] = first.function_calls
        result = self.types.FunctionResponse(id=call.id, name=call.name, response={"result": "4 degrees"})
        contents += [first.candidates[0].content,
                     self.types.Content(role="user", parts=[self.types.Part(function_response=result)])]
        return call.name, call.args, self.create(contents, tools=[self.tool], automatic_function_calling=off).text

    def streamed_tools(self):
        off = self.types.AutomaticFunctionCallingConfig(disable=True)
        chunks = list(self.client.models.generate_content_stream(
            model="gpt", contents=QUESTION, config={"tools": [self.tool], "automatic_function_calling": off}))
        [call] = [call for chunk in chunks for call in chunk.function_calls or []]
        assert chunks[-1].candidates[0].finish_reason == "STOP"
        return call.name, call.args

    def structured(self):
        from pydantic import BaseModel

        class Capital(BaseModel):
            city: str
        return self.create("capital of Norway?", response_mime_type="application/json",
                           response_schema=Capital).parsed.city

    def image(self):
        return self.create(["What is this?", self.types.Part.from_bytes(data=PNG, mime_type="image/png")]).text

    def usage(self, text):
        usage = self.create(text).usage_metadata
        assert usage.total_token_count == usage.prompt_token_count + usage.candidates_token_count
        return usage.prompt_token_count, usage.candidates_token_count

    def refusal(self):
        with pytest.raises(self.errors.ClientError) as caught:
            self.client.models.generate_content(model="nobody", contents="x")
        assert (caught.value.code, caught.value.status) == (404, "NOT_FOUND")
        return caught.value.details["error"]["details"][0]["reason"].lower()

    def raw(self):
        answer = self.create("hi")
        return answer.sdk_http_response.headers, answer.text

    def impatient(self):
        with pytest.raises(httpx2.TimeoutException):
            self.create("wait", http_options=self.types.HttpOptions(timeout=500))

    def leave(self):
        """Takes the first piece of a stream and goes."""
        stream = self.client.models.generate_content_stream(model="gpt", contents="wait in the middle")
        for chunk in stream:
            if chunk.text:
                break
        stream.close()
        self.http.close()  # the SDK leaves the answer open
        self.__init__(self.gateway)


class AsyncGoogleGenAI:
    """google-genai for Python, asynchronous."""

    def __init__(self, gateway):
        self.gateway = gateway

    def close(self):
        pass

    def run(self, use):
        pytest.importorskip("google.genai", reason="suite e2e-google-genai: google-genai could not be fetched")
        from google import genai
        from google.genai import types

        async def inside():
            async with httpx2.AsyncClient(verify=self.gateway.tls_context(), timeout=TIMEOUT) as http:
                client = genai.Client(api_key=self.gateway.key(), http_options=types.HttpOptions(
                    base_url=self.gateway.url.removesuffix("/v1"), httpx_async_client=http))
                return await use(client.aio.models)
        return asyncio.run(inside())

    def plain(self, text):
        async def use(models):
            return (await models.generate_content(model="gpt", contents=text)).text
        return self.run(use)

    def stream(self, text):
        async def use(models):
            return [c.text async for c in await models.generate_content_stream(model="gpt", contents=text) if c.text]
        return self.run(use)

    def structured(self):
        async def use(models):
            answer = await models.generate_content(model="gpt", contents="capital of Norway?", config={
                "response_mime_type": "application/json", "response_json_schema": SCHEMA})
            return json.loads(answer.text)["city"]
        return self.run(use)

    def leave(self):
        async def use(models):
            async for chunk in await models.generate_content_stream(model="gpt", contents="wait in the middle"):
                if chunk.text:
                    break
        return self.run(use)


class Boto3:
    """boto3 (bedrock-runtime)."""
    tool = {"toolSpec": {"name": "get_weather", "description": "Weather now", "inputSchema": {"json": SCHEMA}}}

    def __init__(self, gateway):
        pytest.importorskip("boto3", reason="suite e2e-boto3: boto3 could not be fetched")
        self.gateway = gateway
        self.client = self.make(TIMEOUT)

    def make(self, timeout):
        import boto3
        from botocore.config import Config
        os.environ["AWS_BEARER_TOKEN_BEDROCK"] = self.gateway.key()  # read when a client is made
        config = Config(retries={"total_max_attempts": 1}, read_timeout=timeout, connect_timeout=TIMEOUT)
        return boto3.client("bedrock-runtime", region_name="eu-central-1", config=config, verify=self.gateway.ca,
                            endpoint_url=self.gateway.url.removesuffix("/v1"))

    def close(self):
        self.client.close()

    def create(self, content, **more):
        content = [{"text": content}] if isinstance(content, str) else content
        messages = content if "role" in content[0] else [{"role": "user", "content": content}]
        return self.client.converse(modelId="gpt", messages=messages, **more)

    @staticmethod
    def text(answer):
        return "".join(block.get("text", "") for block in answer["output"]["message"]["content"])

    def plain(self, text):
        return self.text(self.create(text))

    def begin_stream(self, text, **more):
        return self.client.converse_stream(modelId="gpt", messages=[{"role": "user", "content": [{"text": text}]}],
                                           **more)["stream"]

    def stream(self, text):
        events = list(self.begin_stream(text))
        names = [next(iter(event)) for event in events]
        assert names[0] == "messageStart" and names[-2:] == ["messageStop", "metadata"]
        return [e["contentBlockDelta"]["delta"]["text"] for e in events if "contentBlockDelta" in e]

    def tools(self):
        messages = [{"role": "user", "content": [{"text": QUESTION}]}]
        first = self.create(messages, toolConfig={"tools": [self.tool]})
        assert first["stopReason"] == "tool_use"
        [call] = [block["toolUse"] for block in first["output"]["message"]["content"] if "toolUse" in block]
        messages += [first["output"]["message"], {"role": "user", "content": [
            {"toolResult": {"toolUseId": call["toolUseId"], "content": [{"text": "4 degrees"}]}}]}]
        return call["name"], call["input"], self.text(self.create(messages, toolConfig={"tools": [self.tool]}))

    def streamed_tools(self):
        name, arguments = "", ""
        for event in self.begin_stream(QUESTION, toolConfig={"tools": [self.tool]}):
            name += event.get("contentBlockStart", {}).get("start", {}).get("toolUse", {}).get("name", "")
            arguments += event.get("contentBlockDelta", {}).get("delta", {}).get("toolUse", {}).get("input", "")
        return name, json.loads(arguments)

    def structured(self):
        schema = {"schema": json.dumps({**SCHEMA, "additionalProperties": False}), "name": "capital"}
        answer = self.create("capital of Norway?", outputConfig={
            "textFormat": {"type": "json_schema", "structure": {"jsonSchema": schema}}})
        return json.loads(self.text(answer))["city"]

    def image(self):
        return self.text(self.create([{"text": "What is this?"}, {"image": {"format": "png", "source": {"bytes": PNG}}}]))

    def usage(self, text):
        usage = self.create(text)["usage"]
        cached = usage.get("cacheReadInputTokens", 0) + usage.get("cacheWriteInputTokens", 0)
        assert usage["totalTokens"] == usage["inputTokens"] + cached + usage["outputTokens"]
        return usage["inputTokens"] + cached, usage["outputTokens"]

    def refusal(self):
        with pytest.raises(self.client.exceptions.ResourceNotFoundException) as caught:
            self.client.converse(modelId="nobody", messages=[{"role": "user", "content": [{"text": "x"}]}])
        assert "nobody" in caught.value.response["Error"]["Message"]
        return {404: "model_not_found"}[caught.value.response["ResponseMetadata"]["HTTPStatusCode"]]

    def raw(self):
        answer = self.create("hi")
        metadata = answer["ResponseMetadata"]
        assert metadata["RequestId"] == metadata["HTTPHeaders"]["x-request-id"]
        return metadata["HTTPHeaders"], self.text(answer)

    def impatient(self):
        from botocore.exceptions import ReadTimeoutError
        hasty = self.make(0.5)
        with pytest.raises(ReadTimeoutError):
            hasty.converse(modelId="gpt", messages=[{"role": "user", "content": [{"text": "wait"}]}])
        hasty.close()

    def leave(self):
        """Takes the first piece of a stream and goes."""
        stream = self.begin_stream("wait in the middle")
        for event in stream:
            if "contentBlockDelta" in event:
                break
        stream.close()


ALL = [GoogleGenAI, AsyncGoogleGenAI, Boto3]
