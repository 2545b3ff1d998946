"""Writes small random checkpoints of every family with the logits that transformers computes for them.

    pip install torch transformers && python3 make_goldens.py

Needed only to renew the fixtures. Each case directory holds config.json and weights as save_pretrained writes them, and
golden.json: the tokens, fp32 logits at some positions, pooled hidden states, the greedy continuation with the margin of each choice, and for
each mutant (a mistake that an implementation could make) how far its logits are from the right ones; where weights are
bf16 also how far the reference's are when it computes in bf16 throughout.
"""
import contextlib
import json
import math
import pathlib
import shutil

import torch
import transformers
from transformers import (GPTJConfig, GPTJForCausalLM, LlamaConfig, LlamaForCausalLM, MistralConfig, MistralForCausalLM,
                          Qwen2Config, Qwen2ForCausalLM, Qwen3Config, Qwen3ForCausalLM)
from transformers.models.gptj import modeling_gptj
from transformers.models.llama import modeling_llama
from transformers.models.mistral import modeling_mistral
from transformers.models.qwen2 import modeling_qwen2
from transformers.models.qwen3 import modeling_qwen3

HERE = pathlib.Path(__file__).parent / "fixtures" / "models"
VOCABULARY = 64
TOKENS = 48
POSITIONS = [0, 1, 5, 11, 23, 47]
CONTINUATION = 16
BASE = dict(vocab_size=VOCABULARY, hidden_size=32, intermediate_size=40, num_hidden_layers=2, num_attention_heads=4,
            num_key_value_heads=2, max_position_embeddings=128, rms_norm_eps=0.02, bos_token_id=1, eos_token_id=2,
            tie_word_embeddings=False, attn_implementation="eager")


def rope(kind="default", theta=100.0, **more):
    return {"rope_type": kind, "rope_theta": theta, **more}


LLAMA3 = rope("llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=32)
YARN = rope("yarn", factor=4.0, original_max_position_embeddings=32)


@contextlib.contextmanager
def patched(target, name, value):
    old = getattr(target, name)
    setattr(target, name, value)
    try:
        yield
    finally:
        setattr(target, name, old)


# ---- mistakes: (name, changes to the configuration, changes to the weights, patches of the code)

def neighbours(x):
    out = torch.empty_like(x)
    out[..., 0::2], out[..., 1::2] = -x[..., 1::2], x[..., 0::2]
    return out


def interleaved_rope(q, k, cos, sin, *_, **__):
    half = cos.shape[-1] // 2
    cos = cos[..., :half].repeat_interleave(2, -1).unsqueeze(1)
    sin = sin[..., :half].repeat_interleave(2, -1).unsqueeze(1)
    return q * cos + neighbours(q) * sin, k * cos + neighbours(k) * sin


def tiled_heads(states, times):
    return states.repeat(1, times, 1, 1)


def halves(x):
    half = x.shape[-1] // 2
    return torch.cat((-x[..., half:], x[..., :half]), -1)


def split_rope(tensor, sin, cos):
    sin, cos = (torch.cat((t, t), -1)[:, :, None, :] for t in (sin, cos))
    return tensor * cos + halves(tensor) * sin


def sequential_block(self, hidden_states, layer_past=None, attention_mask=None, position_ids=None, use_cache=False,
                     output_attentions=False, **_):
    attention, weights = self.attn(hidden_states=self.ln_1(hidden_states), layer_past=layer_past,
                                   attention_mask=attention_mask, position_ids=position_ids, use_cache=use_cache,
                                   output_attentions=output_attentions)
    hidden_states = hidden_states + attention
    return hidden_states + self.mlp(self.ln_1(hidden_states)), weights


def zero(*parts):
    def change(model):
        for name, tensor in model.named_parameters():
            if any(part in name for part in parts):
                tensor.zero_()
    return change


def one(*parts):
    def change(model):
        for name, tensor in model.named_parameters():
            if any(part in name for part in parts):
                tensor.fill_(1)
    return change


def common(module):
    return [("interleaved rope", {}, None, (module, "apply_rotary_pos_emb", interleaved_rope)),
            ("epsilon times ten", {"rms_norm_eps": 0.2}, None, None),
            ("gelu for silu", {"hidden_act": "gelu_pytorch_tanh"}, None, None)]


def grouped(module):
    return ("key heads tiled", {}, None, (module, "repeat_kv", tiled_heads))


PLAIN = ("no scaling", {"rope_parameters": rope()}, None, None)
CASES = {
    "llama2": (LlamaForCausalLM, LlamaConfig(**{**BASE, "num_key_value_heads": 4}, rope_parameters=rope()), {"dtype": torch.bfloat16},
               common(modeling_llama)),
    "llama3.1": (LlamaForCausalLM, LlamaConfig(**BASE, rope_parameters=LLAMA3), {},
                 common(modeling_llama) + [grouped(modeling_llama), PLAIN]),
    "llama3.2": (LlamaForCausalLM, LlamaConfig(**{**BASE, "tie_word_embeddings": True, "head_dim": 12},
                                               rope_parameters=LLAMA3), {"dtype": torch.bfloat16},
                 common(modeling_llama) + [grouped(modeling_llama), PLAIN]),
    "llama_biased": (LlamaForCausalLM, LlamaConfig(**BASE, attention_bias=True, mlp_bias=True, rope_parameters=rope()),
                     {"dtype": torch.float16, "max_shard_size": "16KB"},
                     [("no q, k, v bias", {}, zero("q_proj.bias", "k_proj.bias", "v_proj.bias"), None),
                      ("no o bias", {}, zero("o_proj.bias"), None),
                      ("no down bias", {}, zero("down_proj.bias"), None)]),
    "mistral": (MistralForCausalLM, MistralConfig(**BASE, sliding_window=7, rope_parameters=rope()), {},
                common(modeling_mistral) + [grouped(modeling_mistral), ("window 6", {"sliding_window": 6}, None, None),
                                            ("window 8", {"sliding_window": 8}, None, None)]),
    "nemo": (MistralForCausalLM, MistralConfig(**BASE, head_dim=16, sliding_window=None, rope_parameters=rope()),
             {"dtype": torch.bfloat16},
             common(modeling_mistral) + [grouped(modeling_mistral)]),
    "qwen2": (Qwen2ForCausalLM, Qwen2Config(**{**BASE, "num_hidden_layers": 3}, use_sliding_window=True,
                                            sliding_window=9, max_window_layers=1, rope_parameters=rope()), {},
              common(modeling_qwen2) + [grouped(modeling_qwen2), ("no bias", {}, zero(".bias"), None),
                                        ("window 8", {"sliding_window": 8}, None, None),
                                        ("no window", {"use_sliding_window": False, "layer_types": None}, None, None),
                                        ("all layers", {"layer_types": ["sliding_attention"] * 3}, None, None)]),
    "qwen2_yarn": (Qwen2ForCausalLM, Qwen2Config(**BASE, rope_parameters=YARN), {"dtype": torch.bfloat16},
                   [PLAIN, ("no attention factor", {"rope_parameters": {**YARN, "attention_factor": 1.0}}, None, None),
                    ("linear", {"rope_parameters": rope("linear", factor=4.0)}, None, None)]),
    "qwen3": (Qwen3ForCausalLM, Qwen3Config(**BASE, head_dim=16, rope_parameters=rope()), {},
              common(modeling_qwen3) + [grouped(modeling_qwen3), ("head norms of 1", {}, one("q_norm", "k_norm"), None)]),
    "gptj": (GPTJForCausalLM, GPTJConfig(vocab_size=VOCABULARY, n_embd=40, n_layer=2, n_head=4, n_positions=128,
                                         n_inner=None, rotary_dim=4, layer_norm_epsilon=0.02, bos_token_id=1,
                                         eos_token_id=2, attn_implementation="eager"), {},
             [("half-split rope", {}, None, (modeling_gptj, "apply_rotary_pos_emb", split_rope)),
              ("sequential block", {}, None, (modeling_gptj.GPTJBlock, "forward", sequential_block)),
              ("whole head rotated", {"rotary_dim": 10}, None, None),
              ("exact gelu", {"activation_function": "gelu"}, None, None),
              ("epsilon times ten", {"layer_norm_epsilon": 0.2}, None, None),
              ("no norm bias", {}, zero("ln_1.bias"), None), ("no mlp bias", {}, zero("mlp.fc_in.bias"), None),
              ("no head bias", {}, zero("lm_head.bias"), None)]),
}


def harsh(model, generator):
    """Peaked attention, norm weights away from 1, biases away from 0: a mild model would hide mistakes."""
    for name, tensor in model.named_parameters():
        if tensor.dim() == 1 and name.endswith("bias"):
            tensor.uniform_(-0.4, 0.4, generator=generator)
        elif tensor.dim() == 1:
            tensor.uniform_(0.5, 1.5, generator=generator)
        else:
            attends = any(part in name for part in ("q_proj", "k_proj"))
            tensor.uniform_(-0.6, 0.6, generator=generator).mul_(0.8 if attends else 0.5)


def build(kind, config, weights):
    model = kind(config).eval()
    model.load_state_dict(weights, strict=False)
    return model


def all_logits(model, tokens):
    return model(input_ids=torch.tensor([tokens]), use_cache=False).logits[0].float()


def embeddings(model, tokens):
    """What sentence-transformers makes of the last layer's states: pooled, of length 1."""
    states = model.base_model(input_ids=torch.tensor([tokens]), use_cache=False).last_hidden_state[0].float()
    pooled = {"last": states[-1], "mean": states.mean(0)}
    return {name: [float(f"{v:.9g}") for v in torch.nn.functional.normalize(vector, dim=0).tolist()]
            for name, vector in pooled.items()}


def distance(wanted, got):
    return max(float((w - g).norm() / w.norm()) for w, g in zip(wanted, got))


def mutated(kind, config, weights, tokens, mutant):
    name, settings, change, patch = mutant
    fields = {**config.to_dict(), **settings}
    fields["attn_implementation"] = "eager"
    with patched(*patch) if patch else contextlib.nullcontext():
        model = build(kind, type(config)(**fields), weights)
        if change:
            change(model)
        return all_logits(model, tokens)


def continuation(model, tokens):
    out, margins = [], []
    tokens = list(tokens)
    for _ in range(CONTINUATION):
        best = all_logits(model, tokens)[-1].topk(2)
        out.append(int(best.indices[0]))
        margins.append(float((best.values[0] - best.values[1]) / best.values[0].abs()))
        tokens.append(out[-1])
    return out, margins


def write_case(name, kind, config, options, mutants):
    generator = torch.Generator().manual_seed(len(name) * 1000 + ord(name[-1]))
    model = kind(config).eval()
    harsh(model, generator)
    model = model.to(options.get("dtype", torch.float32))
    directory = HERE / name
    shutil.rmtree(directory, ignore_errors=True)
    model.save_pretrained(directory, max_shard_size=options.get("max_shard_size", "5GB"))
    (directory / "generation_config.json").unlink(missing_ok=True)
    # The weights are rounded; the mathematics, and the tables of the rotation, stay fp32.
    weights = {key: tensor.float() for key, tensor in model.state_dict().items()}
    model = build(kind, config, weights)
    tokens = torch.randint(3, VOCABULARY, (TOKENS,), generator=generator).tolist()
    logits = all_logits(model, tokens)
    assert torch.isfinite(logits).all()
    answer, margins = continuation(model, tokens)
    rounded = {}
    if options.get("dtype") == torch.bfloat16:
        whole = kind.from_pretrained(directory, dtype=torch.bfloat16, attn_implementation="eager").eval()
        rounded = {"bf16": float(f"{distance(logits[POSITIONS], all_logits(whole, tokens)[POSITIONS]):.4g}")}
    distances = {m[0]: distance(logits[POSITIONS], mutated(kind, config, weights, tokens, m)[POSITIONS]) for m in mutants}
    golden = {"transformers": transformers.__version__, "tokens": tokens, "positions": POSITIONS,
              "logits": [[float(f"{v:.9g}") for v in logits[p].tolist()] for p in POSITIONS],
              "embeddings": embeddings(model, tokens), "continuation": answer, "margins": [float(f"{m:.3g}") for m in margins],
              "mutants": {k: float(f"{v:.4g}") for k, v in distances.items()}, **rounded}
    (directory / "golden.json").write_text(json.dumps(golden) + "\n")
    print(f"{name:14} nearest mutant {min(distances.values()):.2e}  smallest margin {min(margins):.1e}  {distances}")
    assert min(distances.values()) > 2e-4 and not math.isnan(min(margins))


if __name__ == "__main__":
    with torch.no_grad():
        for case, (model_class, model_config, saving, mistakes) in CASES.items():
            write_case(case, model_class, model_config, saving, mistakes)
