"""Writes a checkpoint of train.py as Hugging Face files: export.py checkpoint.pt ../model report.txt"""
import hashlib
import json
import pathlib
import struct
import sys

import torch

from model import CONFIG
from tokenizer import CHAT_TEMPLATE, Tokenizer, to_hugging_face


def tensors(state):
    h, kv, hd = CONFIG["num_attention_heads"], CONFIG["num_key_value_heads"], CONFIG["head_dim"]
    out = {"model.embed_tokens.weight": state["embed.weight"], "model.norm.weight": state["norm.weight"]}
    for i in range(CONFIG["num_hidden_layers"]):
        ours, theirs = f"layers.{i}.", f"model.layers.{i}."
        for name, part in zip("qkv", state[ours + "qkv.weight"].split([h * hd, kv * hd, kv * hd])):
            out[f"{theirs}self_attn.{name}_proj.weight"] = part
        for name, part in zip(("gate", "up"), state[ours + "gate_up.weight"].chunk(2)):
            out[f"{theirs}mlp.{name}_proj.weight"] = part
        out[theirs + "self_attn.o_proj.weight"] = state[ours + "o_proj.weight"]
        out[theirs + "mlp.down_proj.weight"] = state[ours + "down_proj.weight"]
        for name in ("input_layernorm", "post_attention_layernorm"):
            out[f"{theirs}{name}.weight"] = state[f"{ours}{name}.weight"]
    return out


def write_safetensors(path, named):
    header, blobs, offset = {"__metadata__": {"format": "pt"}}, [], 0
    for name in sorted(named):
        t = named[name].to(torch.bfloat16).contiguous()
        blob = t.view(torch.int16).numpy().tobytes()
        header[name] = dict(dtype="BF16", shape=list(t.shape), data_offsets=[offset, offset + len(blob)])
        blobs.append(blob)
        offset += len(blob)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(blobs))


CARD = """# The demo model: a toy

A Llama of {parameters:,} parameters that shows the gateway's local backend at work without a download. It knows a few
office tasks of a made-up world and nothing else. **It is of no use for anything but the demonstration**: its answers are
often wrong outside those tasks, and it has no knowledge to be right with.

What it was trained on: route a ticket to a department, extract an order as JSON, make a sentence polite, summarise an
incident or a payment, write a short note, recall what was said before, repeat values exactly, questions about the gateway,
and "I don't know" for the rest. The pseudonym tokens by which the gateway replaces personal data are copied exactly in
most cases: that is what makes putting the real values back visible.

| | |
| --- | --- |
| architecture | Llama: hidden 192, 5 layers, 6 heads over 2 key-value heads, SwiGLU 512, RoPE, tied head, context 512 |
| vocabulary | {vocabulary}, byte-level BPE with the Llama 3 pattern; codes are cut into pairs of letters and of digits |
| data | made by `../train/data.py` from fixed seeds; every sentence in it was written for this project |
| training | {tokens:,} tokens in {steps:,} steps, {minutes:.0f} minutes on two shared CPU cores, bf16 |
| weights | bf16, sha256 of model.safetensors: `{sha256}` |
| licence | that of the project |

Held-out conversations (a seed that training did not use), greedy decoding, answers compared character by character:

```
{report}
```

The held-out conversations come from the same generator: the figures say how well the tasks were learnt, not how the model
does on the words of a stranger, which is much worse.
"""


def main():
    checkpoint, out, report_path = torch.load(sys.argv[1]), pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
    tok = Tokenizer(checkpoint["merges"])
    out.mkdir(parents=True, exist_ok=True)

    def write_json(name, value, indent=1):
        (out / name).write_text(json.dumps(value, ensure_ascii=False, indent=indent) + "\n", encoding="utf-8")

    write_safetensors(out / "model.safetensors", tensors(checkpoint["state"]))
    special = tok.special
    ends = dict(bos_token_id=special["<|bos|>"], eos_token_id=special["<|end|>"], pad_token_id=special["<|pad|>"])
    config = {k: v for k, v in CONFIG.items() if k != "rope_theta"}
    write_json("config.json", dict(architectures=["LlamaForCausalLM"], model_type="llama", vocab_size=tok.size, **config,
                                   rope_parameters=dict(rope_type="default", rope_theta=CONFIG["rope_theta"]),
                                   hidden_act="silu", attention_bias=False, mlp_bias=False, tie_word_embeddings=True,
                                   dtype="bfloat16", **ends))
    write_json("generation_config.json", dict(do_sample=False, **ends))
    write_json("tokenizer.json", to_hugging_face(tok), indent=None)
    write_json("tokenizer_config.json", dict(tokenizer_class="PreTrainedTokenizerFast", bos_token="<|bos|>",
                                             eos_token="<|end|>", pad_token="<|pad|>", model_max_length=512,
                                             clean_up_tokenization_spaces=False))
    (out / "chat_template.jinja").write_text(CHAT_TEMPLATE)
    sha256 = hashlib.sha256((out / "model.safetensors").read_bytes()).hexdigest()
    (out / "README.md").write_text(CARD.format(
        parameters=checkpoint["parameters"], vocabulary=tok.size, tokens=checkpoint["tokens"], steps=checkpoint["steps"],
        minutes=checkpoint["minutes"], sha256=sha256, report=report_path.read_text().strip()))


if __name__ == "__main__":
    main()
