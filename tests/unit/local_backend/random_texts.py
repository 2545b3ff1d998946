"""Texts drawn by chance that are hard on tokenizers and templates."""
import unicodedata

MARK = "\u2581"
WORDS = ("the gateway routes every call, counts what it costs and says no when a budget is spent It's we've they'LL don't "
         "I'd ſ's 12345 3.14 x=y+z; été naïve Ångström Übergröße Москва привет 東京 こんにちは 한국어 مرحبا שלום ½ ٣٤").split(" ")
ODD = ["\u00a0", "\u3000", "\u0301", "e\u0301", "\u1112\u1161\u11ab", "\u212b", "\u2028", "\u200b", "\U0001f642",
       "\U0001f468\u200d\U0001f469", "\u0085", "\x00", "\x07", MARK, MARK * 2, "\ufffd", "\u0958", "'", '"', "\\", "<0x41>"]
SPACES = [" ", " ", " ", "  ", "   ", "\n", "\r\n", "\n\n", "\t", " \n "]
ADDED = ["<|end|>", "<|mid|>", "[left]", "[right]", "word", "norm tok", "<tool_call>"]


def random_text(rng, with_added):
    out = []
    for _ in range(rng.randint(0, 12)):
        kind = rng.random()
        if kind < 0.45:
            out.append(rng.choice(WORDS))
        elif kind < 0.75:
            out.append(rng.choice(SPACES))
        elif kind < 0.85:
            out.append(rng.choice(ODD))
        elif kind < 0.92 or not with_added:
            point = rng.randrange(1, 0x30000)
            if unicodedata.ucd_3_2_0.category(chr(point)) not in ("Cn", "Cs", "Co"):
                out.append(chr(point))
        else:
            out.append(rng.choice(ADDED))
    return "".join(out)
