"""Writes small tokenizers of each style with the ids that the reference implementations give random texts.

    pip install tokenizers sentencepiece && python3 make_tokenizers.py [--count 10000 --out DIRECTORY]

The committed fixtures hold a sample. A long comparison: write elsewhere with --count and --out, then run the test with
TOLLGATE_TOKENIZER_FIXTURES=DIRECTORY.
"""
import argparse
import io
import json
import pathlib
import random
import unicodedata

import sentencepiece
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from random_texts import MARK, WORDS, random_text

HERE = pathlib.Path(__file__).parent
QWEN2 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|"
         r"\s+(?!\S)|\s+")
LLAMA3 = QWEN2.replace(r"|\p{N}|", r"|\p{N}{1,3}|")
# Letters by case, as newer vocabularies of Mistral cut them; no scanner knows it.
CASED = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{M}]*[\p{Ll}\p{M}]+|\p{Lu}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+"
def corpus(rng):
    return [" ".join(rng.choices(WORDS, k=12)) for _ in range(400)]


def add_tokens(tokenizer):
    tokenizer.add_special_tokens([AddedToken("<|end|>", normalized=False), AddedToken("<|mid|>", normalized=False,
                                                                                     lstrip=True, rstrip=True)])
    tokenizer.add_tokens([AddedToken("[left]", lstrip=True, normalized=False),
                          AddedToken("[right]", rstrip=True, normalized=False),
                          AddedToken("word", single_word=True, normalized=False),
                          AddedToken("norm tok", normalized=True), AddedToken("<tool_call>", normalized=False)])


def byte_level(pattern, normalizer=None, ignore_merges=False):
    tokenizer = Tokenizer(models.BPE(ignore_merges=ignore_merges))
    if pattern:
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
            pre_tokenizers.Split(Regex(pattern), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    else:
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    if normalizer:
        tokenizer.normalizer = normalizer
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=420, show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    return tokenizer, trainer


def characters(normalizer, pre_tokenizer, decoder, fallback=True):
    bytes_ = [f"<0x{b:02X}>" for b in range(256)] if fallback else []
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=fallback))
    if normalizer:
        tokenizer.normalizer = normalizer
    if pre_tokenizer:
        tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.decoder = decoder
    return tokenizer, trainers.BpeTrainer(vocab_size=520 if fallback else 260, show_progress=False, limit_alphabet=60,
                                          special_tokens=["<unk>"] + bytes_)


LLAMA_DECODER = decoders.Sequence([decoders.Replace(MARK, " "), decoders.ByteFallback(), decoders.Fuse(),
                                   decoders.Strip(" ", 1, 0)])
STYLES = {
    "gpt2": lambda: byte_level(None),
    "llama3": lambda: byte_level(LLAMA3, ignore_merges=True),
    "qwen2": lambda: byte_level(QWEN2, normalizers.NFC()),
    "cased": lambda: byte_level(CASED),
    "llama2": lambda: characters(normalizers.Sequence([normalizers.Prepend(MARK), normalizers.Replace(" ", MARK)]), None,
                                 LLAMA_DECODER),
    "mistral": lambda: characters(None, pre_tokenizers.Metaspace(prepend_scheme="first", split=False), LLAMA_DECODER),
    "metaspace": lambda: characters(None, pre_tokenizers.Metaspace(prepend_scheme="always", split=True),
                                    decoders.Metaspace(prepend_scheme="always"), fallback=False),
}


def plain_bytes(spec):
    """The trainer makes special tokens of the byte pieces; in real files they are ordinary ones."""
    spec["added_tokens"] = [t for t in spec["added_tokens"] if not t["content"].startswith("<0x")]
    return spec


def write_json_style(out, name, rng, count):
    tokenizer, trainer = STYLES[name]()
    tokenizer.train_from_iterator(corpus(rng), trainer)
    add_tokens(tokenizer)
    spec = plain_bytes(json.loads(tokenizer.to_str()))
    if name == "gpt2":  # as older files spell merges
        spec["model"]["merges"] = [" ".join(pair) for pair in spec["model"]["merges"]]
    text = json.dumps(spec, ensure_ascii=False)
    tokenizer = Tokenizer.from_str(text)
    cases = []
    for _ in range(count):
        sample = random_text(rng, True)
        ids = tokenizer.encode(sample, add_special_tokens=False).ids
        cases.append({"text": sample, "ids": ids})
    (out / name).mkdir(parents=True, exist_ok=True)
    (out / name / "tokenizer.json").write_text(text + "\n")
    write_cases(out / name, cases)


def write_sentencepiece(out, name, rng, count, **options):
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(corpus(rng)), model_writer=model, model_type="bpe", vocab_size=480, byte_fallback=True,
        normalization_rule_name="identity", character_coverage=0.99, user_defined_symbols=["<tool_call>", "[left]"],
        minloglevel=2, **options)
    processor = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    cases = []
    for _ in range(count):
        sample = random_text(rng, False)
        cases.append({"text": sample, "ids": processor.encode(sample)})
    (out / name).mkdir(parents=True, exist_ok=True)
    (out / name / "tokenizer.model").write_bytes(model.getvalue())
    write_cases(out / name, cases)


def write_cases(directory, cases):
    lines = ",\n".join(json.dumps(case, ensure_ascii=True) for case in cases)
    (directory / "cases.json").write_text("[" + lines + "]\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--out", type=pathlib.Path, default=HERE / "fixtures" / "tokenizers")
    options = parser.parse_args()
    for style in STYLES:
        write_json_style(options.out, style, random.Random(style), options.count)
    write_sentencepiece(options.out, "sentencepiece", random.Random(5), options.count, remove_extra_whitespaces=False)
    write_sentencepiece(options.out, "sentencepiece_squeezed", random.Random(6), options.count, add_dummy_prefix=False,
                        remove_extra_whitespaces=True)
