"""What torch makes of the shapes that device_bench times, with random weights, as Markdown rows of the same kind.

usage: torch_baseline.py tiny|1b|8b

eager: transformers as it comes. compiled: its static cache and torch.compile. graph: a hand-written step with scaled dot
product attention in a CUDA graph, which is about what torch can do at best. A line is left out where it cannot be made.
"""
import statistics
import sys
import time

import torch
import torch.nn.functional as F

SHAPES = {  # layers, hidden, heads, kv heads, head size, feed forward, vocabulary
    "tiny": (1, 64, 4, 2, 16, 96, 128),
    "1b": (16, 2048, 32, 8, 64, 8192, 128256),
    "8b": (32, 4096, 32, 8, 128, 14336, 128256),
}
CUDA = torch.cuda.is_available()
DEVICE = "cuda" if CUDA else "cpu"


def timed(work, repeats=20):
    """Median milliseconds."""
    for _ in range(3):
        work()
    times = []
    for _ in range(repeats):
        if CUDA:
            torch.cuda.synchronize()
        begin = time.perf_counter()
        work()
        if CUDA:
            torch.cuda.synchronize()
        times.append((time.perf_counter() - begin) * 1e3)
    return statistics.median(times)


def row(name, batch, context, ms, tokens, gigabytes):
    print(f"| {name} | {batch} | {context} | {ms:.3f} | {tokens / ms * 1e3:.0f} | {gigabytes / ms * 1e3:.0f} |", flush=True)


class Step:
    """One token of each sequence, all of them at the same position of a cache that is already full up to there."""

    def __init__(self, shape, batch, context):
        self.shape, self.batch, self.context = shape, batch, context
        layers, hidden, heads, kv, dim, inner, vocabulary = shape

        def weight(rows, columns):
            return torch.randn(rows, columns, device=DEVICE, dtype=torch.bfloat16) * columns**-0.5

        self.layers = [(weight((heads + 2 * kv) * dim, hidden), weight(hidden, heads * dim), weight(2 * inner, hidden),
                        weight(hidden, inner)) for _ in range(layers)]
        self.embedding, self.head = weight(vocabulary, hidden), weight(vocabulary, hidden)
        self.gigabytes = 2e-9 * (self.head.numel() + sum(w.numel() for layer in self.layers for w in layer))
        self.tokens = torch.zeros(batch, dtype=torch.long, device=DEVICE)
        self.resize(batch, context)

    def resize(self, batch, context):
        layers, _, _, kv, dim, _, _ = self.shape
        self.batch, self.context = batch, context
        self.tokens = torch.ones(batch, dtype=torch.long, device=DEVICE)
        size = (layers, 2, batch, kv, context + 1, dim)
        self.cache = torch.randn(size, device=DEVICE, dtype=torch.bfloat16)
        angle = context * 500000.0 ** (-torch.arange(0, dim, 2, device=DEVICE) / dim)
        self.cos, self.sin = angle.cos().bfloat16(), angle.sin().bfloat16()

    def rotate(self, x):
        a, b = x.chunk(2, -1)
        return torch.cat([a * self.cos - b * self.sin, b * self.cos + a * self.sin], -1)

    def __call__(self):
        _, hidden, heads, kv, dim, _, _ = self.shape
        x = self.embedding[self.tokens]
        for (qkv, out, gate_up, down), cache in zip(self.layers, self.cache):
            q, k, v = (F.rms_norm(x, (hidden,)) @ qkv.T).view(self.batch, -1, dim).split([heads, kv, kv], 1)
            cache[0, :, :, self.context] = self.rotate(k)
            cache[1, :, :, self.context] = v
            mixed = F.scaled_dot_product_attention(self.rotate(q).unsqueeze(2), cache[0], cache[1], enable_gqa=True)
            x = x + mixed.reshape(self.batch, heads * dim) @ out.T
            gate, up = (F.rms_norm(x, (hidden,)) @ gate_up.T).chunk(2, -1)
            x = x + (F.silu(gate) * up) @ down.T
        return (F.rms_norm(x, (hidden,)) @ self.head.T).float()


def graphed(step):
    if not CUDA:
        return step
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        step()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph.replay


def by_hand(shape, cases):
    step = Step(shape, 1, 1)
    for batch, context in cases:
        step.resize(batch, context)
        row("decode, graph", batch, context, timed(graphed(step)), batch, step.gigabytes)
    return step.gigabytes


def by_transformers(shape, cases, prompts, gigabytes):
    from transformers import LlamaConfig, LlamaForCausalLM, StaticCache
    layers, hidden, heads, kv, dim, inner, vocabulary = shape
    config = LlamaConfig(vocab_size=vocabulary, hidden_size=hidden, intermediate_size=inner, num_hidden_layers=layers,
                         num_attention_heads=heads, num_key_value_heads=kv, head_dim=dim, max_position_embeddings=8704)
    torch.set_default_dtype(torch.bfloat16)
    with torch.device(DEVICE):
        model = LlamaForCausalLM(config).eval()

    def decoder(forward, batch, context):
        cache = StaticCache(config=config, max_cache_len=context + 1)
        ids = torch.ones(batch, 1, dtype=torch.long, device=DEVICE)
        prompt = torch.ones(batch, context, dtype=torch.long, device=DEVICE)
        model(prompt, past_key_values=cache, use_cache=True, logits_to_keep=1)
        position = torch.tensor([context], device=DEVICE)
        return lambda: forward(ids, past_key_values=cache, cache_position=position, use_cache=True)

    for tokens in prompts:
        ids = torch.ones(1, tokens, dtype=torch.long, device=DEVICE)
        row("prefill, eager", 1, tokens, timed(lambda: model(ids, logits_to_keep=1), 5), tokens, gigabytes)
    for batch, context in cases:
        row("decode, eager", batch, context, timed(decoder(model, batch, context), 5), batch, gigabytes)
    compiled = torch.compile(model, mode="reduce-overhead", dynamic=False)
    for batch, context in cases[:2]:
        row("decode, compiled", batch, context, timed(decoder(compiled, batch, context), 10), batch, gigabytes)


def main(size):
    shape = SHAPES[size]
    tiny = size == "tiny"
    cases = [(1, 100), (3, 100)] if tiny else [(1, 128), (64, 2048), (1, 2048), (64, 128)]
    print("| step | batch | context | ms | tokens/s | weights, GB/s |\n|---|---|---|---|---|---|", flush=True)
    with torch.inference_mode():
        gigabytes = by_hand(shape, cases)
        if CUDA:
            torch.cuda.empty_cache()
        try:
            by_transformers(shape, cases, [130] if tiny else [512, 2048], gigabytes)
        except Exception as error:  # whatever is missing there: the rows that were made stand
            print(f"\ntransformers: {type(error).__name__}: {str(error).splitlines()[0][:200]}")


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in SHAPES:
        sys.exit(__doc__)
    main(sys.argv[1])
