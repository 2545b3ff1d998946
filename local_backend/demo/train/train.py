"""Trains the demo model on the CPU and writes a checkpoint for export.py.

    OMP_WAIT_POLICY=passive nice -n 19 python3 train.py --minutes 15 --out checkpoint.pt
"""
import argparse
import math
import time

import torch
import torch.nn.functional as F

import data
from model import Llama
from tokenizer import Tokenizer

LEARNT_MERGES = 1001
TOKENS_PER_BATCH = 4096
PROMPT_WEIGHT = 0.05  # a little loss on the prompt; the answers are what is to be learnt
PEAK_RATE = 3e-3
RESUME_RATE = 1.5e-3


def batches(tok, rng, limit):
    """Conversations sorted by length and cut into batches of about TOKENS_PER_BATCH: little padding, every
    conversation starts at position 0 as it does when served."""
    while True:
        pool = [tok.chat(data.conversation(rng)[0]) for _ in range(1024)]
        pool = sorted((p for p in pool if len(p[0]) <= limit), key=lambda p: len(p[0]))
        groups, start = [], 0
        while start < len(pool):
            end = start
            while end < len(pool) and len(pool[end][0]) * (end - start + 1) <= TOKENS_PER_BATCH:
                end += 1
            groups.append(pool[start:max(end, start + 1)])
            start = max(end, start + 1)
        rng.shuffle(groups)
        yield from groups


def tensors(tok, group):
    width = max(len(ids) for ids, _ in group)
    ids = torch.full((len(group), width), tok.special["<|pad|>"])
    weight = torch.zeros(len(group), width)
    for row, (seq, written) in enumerate(group):
        ids[row, :len(seq)] = torch.tensor(seq)
        weight[row, :len(seq)] = torch.tensor([1.0 if w else PROMPT_WEIGHT for w in written])
    return ids, weight


def learning_rate(peak, progress, step):
    warm = min(1.0, (step + 1) / 100)
    return peak * warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1.0, progress))))


def train_step(model, optimiser, ids, weight):
    with torch.autocast("cpu", dtype=torch.bfloat16):
        hidden = model.hidden(ids[:, :-1])
        target, w = ids[:, 1:].reshape(-1), weight[:, 1:].reshape(-1)
        keep = w > 0
        logits = F.linear(hidden.reshape(-1, hidden.shape[-1])[keep], model.embed.weight)
    loss = F.cross_entropy(logits.float(), target[keep], reduction="none")
    loss = (loss * w[keep]).sum() / w[keep].sum()
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimiser.step()
    return loss.item()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=15, help="wall clock budget")
    parser.add_argument("--steps", type=int, default=0, help="a fixed number of steps instead of a wall clock budget")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", default="checkpoint.pt")
    parser.add_argument("--resume", default="", help="go on with the weights of this checkpoint, from another data seed")
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    before = torch.load(args.resume) if args.resume else dict(steps=0, tokens=0, minutes=0.0)
    quiet = data.random_for(args.seed + 1)
    texts = (c for _ in range(6000) for _, c in data.conversation(quiet, quiet=True)[0])
    tok = Tokenizer(before["merges"]) if args.resume else Tokenizer.train(texts, LEARNT_MERGES)
    model = Llama(tok.size)
    if args.resume:
        model.load_state_dict(before["state"])
    parameters = sum(p.numel() for p in model.parameters())
    print(f"vocabulary {tok.size}, parameters {parameters}", flush=True)
    optimiser = torch.optim.AdamW(model.parameters(), PEAK_RATE, betas=(0.9, 0.98), weight_decay=0.05)
    source = batches(tok, data.random_for(args.seed + 2 + before["steps"]), 512)
    start, step, seen, recent = time.time(), 0, 0, 0.0
    while True:
        elapsed = (time.time() - start) / 60
        progress = step / args.steps if args.steps else elapsed / args.minutes
        if progress >= 1:
            break
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(RESUME_RATE if args.resume else PEAK_RATE, progress, step)
        ids, weight = tensors(tok, next(source))
        loss = train_step(model, optimiser, ids, weight)
        recent = loss if step == 0 else 0.98 * recent + 0.02 * loss
        step += 1
        seen += ids.numel()
        if step % 50 == 0:
            print(f"step {step} {progress:.0%} tokens {seen} loss {recent:.3f} {seen / (time.time() - start):.0f} tok/s",
                  flush=True)
    minutes = before["minutes"] + (time.time() - start) / 60
    torch.save(dict(merges=tok.merges, state=model.state_dict(), steps=before["steps"] + step,
                    tokens=before["tokens"] + seen, minutes=minutes, parameters=parameters, seed=args.seed), args.out)


if __name__ == "__main__":
    main()
