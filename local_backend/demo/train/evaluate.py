"""Held-out exact match: fresh conversations from a seed that training never used, decoded greedily.

    python3 evaluate.py checkpoint.pt report.txt
"""
import collections
import re
import sys

import torch

import data
from model import Llama
from tokenizer import Tokenizer

PSEUDONYM = re.compile(r"Tgx[A-Z]{2}(?:[A-Z2-7]{20}|[a-z2-9]{20})")


@torch.no_grad()
def answer(model, tok, messages, limit=200):
    ids = tok.prompt(messages)
    first = len(ids)
    while len(ids) < min(512, first + limit):
        logits = model(torch.tensor([ids]))[0, -1]
        token = int(logits.argmax())
        if token == tok.special["<|end|>"]:
            break
        ids.append(token)
    return tok.decode(ids[first:])


def evaluate(model, tok, rng, count, show=1):
    model.eval()
    right, total = collections.Counter(), collections.Counter()
    copied = tokens = 0
    lines = []
    for _ in range(count):
        turns, task = data.conversation(rng, long_share=0.02)
        expected = turns[-1][1]
        got = answer(model, tok, turns[:-1])
        total[task] += 1
        right[task] += got == expected
        wanted = PSEUDONYM.findall(expected)
        tokens += len(wanted)
        copied += sum(w in got for w in wanted)
        if total[task] <= show or (got != expected and total[task] - right[task] <= 2):
            lines.append(f"[{task}] {turns[-2][1]!r}\n    -> {got!r}" + ("" if got == expected else f"\n    !! {expected!r}"))
    summary = [f"exact match {sum(right.values())}/{sum(total.values())}; pseudonyms copied exactly {copied}/{tokens}"]
    summary += [f"  {t}: {right[t]}/{total[t]}" for t in sorted(total)]
    return "\n".join(summary), "\n".join(lines)


def main():
    checkpoint = torch.load(sys.argv[1])
    tok = Tokenizer(checkpoint["merges"])
    model = Llama(tok.size)
    # As exported: what is measured is what is shipped.
    model.load_state_dict({k: v.to(torch.bfloat16).float() for k, v in checkpoint["state"].items()})
    summary, examples = evaluate(model, tok, data.random_for(777), 300)
    print(examples)
    print(summary)
    with open(sys.argv[2], "w", encoding="utf-8") as out:
        out.write(summary + "\n")


if __name__ == "__main__":
    main()
