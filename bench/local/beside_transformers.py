"""The embedded engine beside transformers on this CPU, one after the other in one run.

    python3 bench/local/beside_transformers.py [build/release/bench/local_speed [auto] [cpu-time]]

Needs torch and transformers. Measures the demo model, and a random checkpoint of the shape of Qwen2.5-0.5B that is made
on the spot (bf16): what weights hold does not change the time. Each figure is the best of two rounds, tokens a second;
the ratio is ours by theirs. Prompts have the same number of tokens. A second argument names the kernels that ours uses
(`cpu_kernels` in config/README.md). With `cpu-time` both have one thread, and seconds are the processor's: for a machine
that is not quiet.
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import torch
from transformers import AutoModelForCausalLM, Qwen2Config, Qwen2ForCausalLM

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEMO = ROOT / "local_backend/demo/model"
CPU_TIME = "cpu-time" in sys.argv
THREADS = 1 if CPU_TIME else len(os.sched_getaffinity(0))
now = time.process_time if CPU_TIME else time.perf_counter


def make_checkpoint(folder):
    """Qwen2.5-0.5B's config.json, with the demo model's tokenizer: its ids are a part of the vocabulary."""
    demo = json.loads((DEMO / "config.json").read_text())
    config = Qwen2Config(vocab_size=151936, hidden_size=896, intermediate_size=4864, num_hidden_layers=24,
                         num_attention_heads=14, num_key_value_heads=2, max_position_embeddings=4096,
                         rms_norm_eps=1e-6, tie_word_embeddings=True, bos_token_id=demo["bos_token_id"],
                         eos_token_id=demo["eos_token_id"])
    torch.manual_seed(1)
    Qwen2ForCausalLM(config).to(torch.bfloat16).save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        shutil.copy(DEMO / name, folder)
    (folder / "generation_config.json").unlink(missing_ok=True)


@torch.no_grad()
def theirs(folder, prompt, tokens):
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16).eval()

    def prefill():
        ids = torch.randint(10, 1000, (1, prompt))
        begin = now()
        model(input_ids=ids, use_cache=True, logits_to_keep=1)
        return prompt / (now() - begin)

    def decode(batch):
        ids = torch.randint(10, 1000, (batch, 8))
        out = model(input_ids=ids, use_cache=True, logits_to_keep=1)
        begin = now()
        for _ in range(tokens - 1):
            ids = out.logits[:, -1:].argmax(-1)
            out = model(input_ids=ids, past_key_values=out.past_key_values, use_cache=True)
        return batch * (tokens - 1) / (now() - begin)

    decode(1)
    return {"prefill": max(prefill(), prefill()), "decode 1": max(decode(1), decode(1)),
            "decode 8": max(decode(8), decode(8))}


def ours(program, folder, words, tokens):
    command = [program, folder, str(THREADS), str(words), str(tokens), *sys.argv[2:]]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


def compare(name, program, folder, words, tokens):
    mine = ours(program, folder, words, tokens)
    kernels, prompt = mine.pop("kernels"), mine.pop("prompt")
    print(f"{name}: {kernels}, a prompt of {prompt} tokens")
    other = theirs(folder, prompt, tokens)
    for what, value in mine.items():
        print(f"{name:12} {what:9} ours {value:9.1f}  transformers {other[what]:9.1f}  ratio {value / other[what]:5.2f}",
              flush=True)


def main():
    program = sys.argv[1] if len(sys.argv) > 1 else ROOT / "build/release/bench/local_speed"
    torch.set_num_threads(THREADS)
    print(f"{THREADS} threads, load {os.getloadavg()[0]:.1f}, torch {torch.__version__}", flush=True)
    compare("demo 2M", program, DEMO, 100, 64)
    with tempfile.TemporaryDirectory() as folder:
        make_checkpoint(pathlib.Path(folder))
        compare("random 0.5B", program, folder, 100, 16)


if __name__ == "__main__":
    main()
