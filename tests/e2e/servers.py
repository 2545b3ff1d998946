"""Servers beside the big vendors' own APIs: Azure AI and Azure ML, SageMaker, KServe and Triton, Mistral on Vertex AI, and
OpenAI-compatible servers with habits. For tests.

Each checks what it receives, as dialects.py does: signatures by botocore, bodies by what is published of each form.
"""
import asyncio
import json
import re

import clouds
import dialects
from botocore.eventstream import EventStreamBuffer
from dialects import Refused, need, pieces


def framed(headers, payload):
    """A message of an event stream by our own encoder, which botocore has to read back."""
    message = dialects.event_message(headers, payload)
    buffer = EventStreamBuffer()
    buffer.add_data(message)
    [read] = list(buffer)
    assert read.headers == headers and read.payload == payload
    return message


def part(data):
    return framed({":event-type": "PayloadPart", ":content-type": "application/octet-stream",
                   ":message-type": "event"}, data)


def stream_exception(name, **payload):
    return framed({":exception-type": name, ":content-type": "application/json", ":message-type": "exception"},
                  json.dumps(payload).encode())


async def wait_where_asked(request, reply):
    """Stays silent after the first text where the request says so."""
    if b"wait in the middle" not in request.body:
        return
    send, told = reply.chunk, False

    async def chunk(data):
        nonlocal told
        while told:
            await asyncio.sleep(0.02)
        await send(data)
        told = told or b"echo" in data
    reply.chunk = chunk


class Served(dialects.Chat):
    """A server of OpenAI's chat API at an address of its own. `forbidden`: members that it does not know."""
    model, operation, forbidden = "served-model", "/chat/completions", ()
    more = ""

    async def __call__(self, request, reply):
        await wait_where_asked(request, reply)
        if "over the limit" in request.body.decode():
            return await self.refuse(reply)
        await super().__call__(request, reply)

    async def refuse(self, reply):
        await reply.plain(429, {"error": {"code": "429", "message": "of account 471100004711"}}, [("retry-after", "7")])

    def yaml(self, name, port, prefix):
        return (f"id: {name}\nkind: {self.kind}\nendpoint: http://127.0.0.1:{port}{prefix}{self.path}\n"
                f"region: {{processing: eu}}\nplain_http: true\n{self.auth}\n{self.more}")

    def credential(self, request):
        if request.headers.get("authorization") != "Bearer provider-secret-key":
            raise Refused(401, "no key")

    def answer(self, request):
        self.credential(request)
        need(request.method == "POST" and request.target.endswith(self.path + self.operation), request.target)
        body = request.json
        need(not set(body) & set(self.forbidden), f"not known here: {set(body) & set(self.forbidden)}")
        need(body.get("model") == self.model, f"model: {body.get('model')}")
        self.check_messages(body["messages"])
        return self.say(body)


class AzureAi(Served):
    kind, auth, path = "azure_ai", "auth: {api_key: {file: ../../provider.key}}", "/models"
    more = "azure_ai: {extra_parameters: pass-through}\n"
    operation = "/chat/completions?api-version=2024-05-01-preview"

    def credential(self, request):
        need(request.headers.get("api-key") == "provider-secret-key", "no key")
        need("authorization" not in request.headers, "two credentials")
        need(request.headers.get("extra-parameters") == "pass-through", "extra-parameters")


class AzureMl(Served):
    kind, path, more = "azure_ml", "/v1", "azure_ml: {deployment: blue}\n"

    def credential(self, request):
        super().credential(request)
        need(request.headers.get("azureml-model-deployment") == "blue", "another deployment")

    async def refuse(self, reply):
        """424, and what the container really said in a header."""
        await reply.plain(424, {"error": "busy"}, [("ms-azureml-model-error-statuscode", "429"), ("retry-after", "7")])


class OldServer(Served):
    """Knows max_tokens only, no stream_options; tells arguments as objects, and its own words for an end."""
    kind, path, more = "openai_compatible", "/v1", "flavour: tgi\nquirks: {stream_options: false}\n"
    forbidden, stream_options = ("max_completion_tokens", "stream_options"), None

    async def __call__(self, request, reply):
        whole = reply.plain

        async def plain(status, body, headers=()):
            for choice in body.get("choices", []):
                choice["finish_reason"] = "eos_token" if choice["finish_reason"] == "stop" else choice["finish_reason"]
                for call in choice["message"].get("tool_calls", []):
                    call["function"]["arguments"] = json.loads(call["function"]["arguments"])
            await whole(status, body, headers)
        reply.plain = plain
        event = reply.event

        async def without_usage(payload):
            if payload == "[DONE]" or not payload.get("choices"):
                return  # it tells neither
            await event(payload)
        reply.event = without_usage
        await super().__call__(request, reply)


class Mistral(Served):
    kind, path, more = "openai_compatible", "/v1", "flavour: mistral\n"
    forbidden = ("max_completion_tokens", "seed", "parallel_tool_calls")

    def answer(self, request):
        body = request.json
        need(body.get("tool_choice") in (None, "auto", "none", "any"), "tool_choice")
        ids = [c["id"] for m in body["messages"] for c in m.get("tool_calls") or []]
        need(all(re.fullmatch("[A-Za-z0-9]{9}", i) for i in ids), f"Tool call id was {ids} but must be a-z, A-Z, 0-9")
        return super().answer(request)


class VertexMistral(Mistral):
    kind, auth, path = "vertex", dialects.Gemini.auth, "/v1/projects/p/locations/l/publishers/mistralai"
    model, more, forbidden = "mistral-large-2411", "", (*Mistral.forbidden, "stream_options")
    stream_options = None

    def credential(self, request):
        need(request.headers.get("x-goog-api-key") == "provider-secret-key", "no key")
        verb = ":streamRawPredict" if request.json.get("stream") else ":rawPredict"
        self.operation = f"/models/{self.model}{verb}"


class PartsReply:
    """What a container writes, in parts that cut its events anywhere."""

    def __init__(self, reply):
        self.reply = reply
        self.plain = reply.plain

    async def begin_stream(self, headers=()):
        await dialects.begin_event_stream(self.reply)

    async def chunk(self, data):
        for at in range(0, len(data), 57):
            await self.reply.chunk(part(data[at:at + 57]))

    async def event(self, payload):
        await self.chunk(f"data: {payload if isinstance(payload, str) else json.dumps(payload)}\n\n".encode())

    async def end_stream(self):
        await self.reply.end_stream()


class SageMaker(Served):
    """A container with OpenAI's chat API; botocore makes every signature again."""
    kind, model, path, name = "sagemaker", "llama-endpoint", "", "inner-model"
    auth = ("auth: {aws: {region: eu-west-1, static_keys: {access_key_id: AKIAPLANTED, secret_access_key: "
            "{file: ../../aws.secret}}}}")
    more = "sagemaker: {model: inner-model, inference_component: blue, target_variant: v1}\n"

    def __init__(self):
        self.aws = clouds.Aws()

    async def __call__(self, request, reply):
        try:
            self.aws.check(request, "sagemaker")
            self.check_path(request)
        except Refused as refused:
            return await reply.plain(refused.status, {"message": refused.message},
                                     [("x-amzn-ErrorType", "InvalidSignatureException")])
        if b"dies in the middle" in request.body:
            return await self.die(reply)
        await super().__call__(request, PartsReply(reply) if request.json.get("stream") else reply)

    async def die(self, reply):
        await dialects.begin_event_stream(reply)
        await PartsReply(reply).event({"choices": [{"index": 0, "delta": {"content": "half"}, "finish_reason": None}]})
        await reply.chunk(stream_exception("ModelStreamError", Message="at i-0abc", ErrorCode="StreamBroken"))
        await reply.end_stream()

    async def refuse(self, reply):
        await reply.plain(400, {"message": "Rate exceeded for account 471100004711"},
                          [("x-amzn-ErrorType", "ThrottlingException"), ("retry-after", "7")])

    def check_path(self, request):
        stream = request.json.get("stream", False)
        need(request.target.endswith("/endpoints/llama-endpoint/invocations" + ("-response-stream" if stream else "")),
             request.target)
        need(request.headers.get("x-amzn-sagemaker-inference-component") == "blue", "component")
        need(request.headers.get("x-amzn-sagemaker-target-variant") == "v1", "variant")
        need(not stream or request.headers.get("x-amzn-sagemaker-accept") == "text/event-stream", "accept")

    def answer(self, request):
        need(request.json.get("model") == "inner-model", "model")
        self.check_messages(request.json["messages"])
        return self.say(request.json)


class Generator(Served):
    """A text goes in, a text comes out: what the last user said, after "echo: "."""

    def check(self, request):
        """The prompt, from a body that is as the form is published."""
        raise NotImplementedError

    async def __call__(self, request, reply):
        await wait_where_asked(request, reply)
        if b"over the limit" in request.body:
            return await self.refuse(reply)
        try:
            prompt = self.check(request)
        except Refused as refused:
            return await reply.plain(422, {"error": refused.message})
        said = "echo: " + self.last(prompt)
        if not self.streams(request):
            return await reply.plain(200, self.whole(said))
        await reply.begin_stream()
        told = pieces(said)
        for i, piece in enumerate(told):
            await reply.event(self.piece(piece, said if i + 1 == len(told) else None))
        await reply.end_stream()

    async def refuse(self, reply):
        await reply.plain(429, {"error": "Model is overloaded"}, [("retry-after", "7")])

    @staticmethod
    def last(prompt):
        return prompt.rpartition("User: ")[2].partition("\n\nAssistant:")[0]


class KServe(Generator):
    """By the protocol's schema for text generation."""
    kind, auth, path = "open_inference", "", ""
    more = "generate: {version: '2'}\nhost: llama.models.example.com\n"  # its ingress finds the service by that
    model = "llama"

    def streams(self, request):
        return request.target.endswith("/generate_stream")

    def check(self, request):
        need(request.headers["host"] == "llama.models.example.com", request.headers["host"])
        need(re.search(r"/v2/models/llama/versions/2/generate(_stream)?$", request.target), request.target)
        body = request.json
        need(set(body) <= {"text_input", "parameters"} and isinstance(body["text_input"], str), f"members: {set(body)}")
        kinds = {"temperature": (int, float), "top_p": (int, float), "max_tokens": int, "stop": list, "details": bool}
        for name, value in body["parameters"].items():
            need(name in kinds and isinstance(value, kinds[name]), f"parameters: {name}")
        need(body["parameters"]["max_tokens"] >= 1, "max_tokens")
        need(all(isinstance(s, str) for s in body["parameters"].get("stop", [])), "stop")
        return body["text_input"]

    def whole(self, said):
        return {"text_output": said, "model_name": "llama", "model_version": "2",
                "details": {"finish_reason": "eos_token", "logprobs": []}}

    def piece(self, piece, last):
        token = {"id": 1, "text": piece, "logprob": -0.5, "special": False}
        return {"text_output": piece, "model_name": "llama", "details": {"finish_reason": "eos_token", "token": token}}


class Triton(Generator):
    """TensorRT-LLM's ensemble: tensors beside the text, the text whole in each event, no end marker."""
    kind, auth, path, model = "open_inference", "", "", "ensemble"
    more = "generate: {parameters: tensors, stream_text: whole}\n"

    def __init__(self):
        self.told = ""

    def streams(self, request):
        self.told = ""
        return request.target.endswith("/generate_stream")

    def check(self, request):
        need(re.search(r"/v2/models/ensemble/generate(_stream)?$", request.target), request.target)
        body = request.json
        known = {"text_input": str, "max_tokens": int, "stop_words": list, "temperature": (int, float),
                 "top_p": (int, float), "top_k": int, "random_seed": int, "stream": bool,
                 "exclude_input_in_output": bool}
        for name, value in body.items():
            need(name in known and isinstance(value, known[name]), f"unexpected inference input '{name}'")
        need(body["stream"] == request.target.endswith("_stream") and body["exclude_input_in_output"], "stream")
        return body["text_input"]

    def whole(self, said):
        return {"model_name": "ensemble", "model_version": "1", "sequence_end": True, "text_output": said}

    def piece(self, piece, last):
        self.told += piece
        return {"model_name": "ensemble", "model_version": "1", "text_output": self.told}


class SageMakerTgi(Generator):
    """Text Generation Inference's own form behind SageMaker."""
    kind, model, path, auth = "sagemaker", "llama-endpoint", "", SageMaker.auth
    more = "sagemaker: {body: tgi, inference_component: blue, target_variant: v1}\n"

    def __init__(self):
        self.outer = SageMaker()

    async def __call__(self, request, reply):
        try:
            self.outer.aws.check(request, "sagemaker")
            self.outer.check_path(request)
        except Refused as refused:
            return await reply.plain(refused.status, {"message": refused.message},
                                     [("x-amzn-ErrorType", "InvalidSignatureException")])
        await super().__call__(request, PartsReply(reply) if request.json.get("stream") else reply)

    async def refuse(self, reply):
        """The container refused: its status and words stand inside SageMaker's."""
        await reply.plain(424, {"ErrorCode": "CLIENT_ERROR_FROM_MODEL", "OriginalStatusCode": 429,
                                "OriginalMessage": '{"error":"Model is overloaded","error_type":"overloaded"}',
                                "LogStreamArn": "arn:aws:logs:eu-west-1:471100004711:x", "Message": "Received"},
                          [("x-amzn-ErrorType", "ModelError"), ("retry-after", "7")])

    def streams(self, request):
        return request.json.get("stream", False)

    def check(self, request):
        body = request.json
        need(set(body) <= {"inputs", "parameters", "stream"} and isinstance(body["inputs"], str), f"{set(body)}")
        known = {"max_new_tokens", "temperature", "top_p", "top_k", "seed", "stop", "details", "return_full_text"}
        need(set(body["parameters"]) <= known and body["parameters"]["max_new_tokens"] >= 1, "parameters")
        return body["inputs"]

    def whole(self, said):
        return [{"generated_text": said, "details": {"finish_reason": "eos_token", "generated_tokens": 5, "seed": None,
                                                     "prefill": [{"id": i, "text": "x"} for i in range(11)]}}]

    def piece(self, piece, last):
        details = {"finish_reason": "eos_token", "generated_tokens": 5, "input_length": 11} if last else None
        return {"index": 1, "token": {"id": 1, "text": piece, "logprob": -0.5, "special": False},
                "generated_text": last, "details": details}


CHATTING = {"azure_ai": AzureAi, "azure_ml": AzureMl, "sagemaker": SageMaker, "vertex_mistral": VertexMistral,
            "mistral": Mistral, "old_server": OldServer}
GENERATING = {"kserve": KServe, "triton": Triton, "sagemaker_tgi": SageMakerTgi}
ALL = {**CHATTING, **GENERATING}
