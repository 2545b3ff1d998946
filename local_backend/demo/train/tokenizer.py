"""Byte-level BPE: trains the demo vocabulary, encodes text, and describes itself as a Hugging Face tokenizer.json."""
import collections
import itertools
import re
import string

LLAMA3_PATTERN = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
                  r"|\s*[\r\n]+|\s+(?!\S)|\s+")
# The same pattern for Python's re, which has no \p{L} and \p{N} (the generator writes no letters or numbers on which
# \w and \p{L} differ).
_PRE = re.compile(r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|(?:[^\w\r\n]|_)?[^\W\d_]+|\d{1,3}| ?(?:[^\s\w]|_)+[\r\n]*"
                  r"|\s*[\r\n]+|\s+(?!\S)|\s+")
SPECIAL = ["<|bos|>", "<|system|>", "<|user|>", "<|assistant|>", "<|end|>", "<|pad|>"]
CODE_LETTERS = "abcdefghijkmnpqrstuvwxyz"  # of pseudonym tokens: small letters without l and o
PSEUDONYM_TYPES = ["IP", "CC", "IB", "SS", "PH", "EM", "AK"]  # IP before PH: "TgxIPH..." is IP followed by H


def seed_merges():
    """Merges given before any are learnt: a pseudonym token starts with one piece, and digits go in pairs."""
    merges = [("T", "g"), ("Tg", "x")] + [tuple(t) for t in PSEUDONYM_TYPES]
    merges += [("Tgx", t) for t in PSEUDONYM_TYPES]
    merges += itertools.product(string.digits, repeat=2)
    return [(a.encode(), b.encode()) for a, b in merges]


def code_merges(known):
    """Merges of lowest rank, which no English word needs: what is left of a code is cut into pairs of letters. A copied
    pair is nearly always unique in the prompt, a single letter is not: that is what makes exact copying learnable by so
    small a model."""
    pairs = ((a.encode(), b.encode()) for a, b in itertools.product(CODE_LETTERS, repeat=2))
    return [(a, b) for a, b in pairs if a + b not in known]


def learn_merges(texts, count):
    """Plain BPE on the words of `texts`; digits and pairs of capitals are left alone."""
    words = collections.Counter(w for t in texts for w in _PRE.findall(t))
    words = [([bytes([b]) for b in w.encode()], n) for w, n in words.items()]
    merges = []
    while len(merges) < count:
        pairs = collections.Counter()
        for pieces, n in words:
            for pair in zip(pieces, pieces[1:]):
                pairs[pair] += n
        pairs = {p: n for p, n in pairs.items() if not re.fullmatch(rb"[A-Z]{2,}|.*\d.*", p[0] + p[1])}
        best = max(pairs, key=lambda p: (pairs[p], p))
        if pairs[best] < 2:
            break
        merges.append(best)
        for pieces, _ in words:
            i = 0
            while i + 1 < len(pieces):
                if (pieces[i], pieces[i + 1]) == best:
                    pieces[i:i + 2] = [best[0] + best[1]]
                i += 1
    return merges


class Tokenizer:
    def __init__(self, merges):
        self.merges = merges
        self.rank = {pair: i for i, pair in enumerate(merges)}
        pieces = [bytes([b]) for b in range(256)] + list(dict.fromkeys(a + b for a, b in merges))
        self.bytes_of = pieces
        self.id_of = {p: i for i, p in enumerate(pieces)}
        self.special = {t: len(pieces) + i for i, t in enumerate(SPECIAL)}
        self.size = len(pieces) + len(SPECIAL)
        self._cache = {}

    @staticmethod
    def train(texts, learnt):
        """`learnt`: how many merges to learn from the texts."""
        merges = seed_merges() + learn_merges(texts, learnt)
        return Tokenizer(merges + code_merges({a + b for a, b in merges}))

    def _word(self, word):
        if word in self._cache:
            return self._cache[word]
        pieces = [bytes([b]) for b in word.encode()]
        while len(pieces) > 1:
            rank, i = min((self.rank.get(p, 1 << 30), i) for i, p in enumerate(zip(pieces, pieces[1:])))
            if rank == 1 << 30:
                break
            pieces[i:i + 2] = [pieces[i] + pieces[i + 1]]
        ids = [self.id_of[p] for p in pieces]
        if len(self._cache) < 50000:
            self._cache[word] = ids
        return ids

    def encode(self, text):
        return [i for w in _PRE.findall(text) for i in self._word(w)]

    def decode(self, ids):
        return b"".join(self.bytes_of[i] for i in ids if i < len(self.bytes_of)).decode("utf-8", "replace")

    def chat(self, messages):
        """Ids of a conversation as chat_template.jinja renders it, and for each id whether the model writes it."""
        ids, written = [self.special["<|bos|>"]], [False]
        for role, content in messages:
            body = self.encode(content) + [self.special["<|end|>"]]
            ids += [self.special[f"<|{role}|>"]] + body
            written += [False] + [role == "assistant"] * len(body)
        return ids, written

    def prompt(self, messages):
        return self.chat(messages)[0] + [self.special["<|assistant|>"]]


CHAT_TEMPLATE = """{{ bos_token }}
{%- if tools %}
{{- '<|system|>Functions:' }}
{%- for tool in tools %}
{{- '\\n' + tool['function'] | tojson }}
{%- endfor %}
{{- '\\nA call is written <tool_call>{"name": NAME, "arguments": OBJECT}</tool_call>.<|end|>' }}
{%- endif %}
{%- for message in messages %}
{%- if message['role'] == 'tool' %}
{{- '<|user|>Result: ' + message['content'] + '<|end|>' }}
{%- elif message['role'] not in ['system', 'user', 'assistant'] %}
{{- raise_exception('Unknown role: ' + message['role']) }}
{%- else %}
{{- '<|' + message['role'] + '|>' + message['content'] }}
{%- for made in message['tool_calls'] or [] %}
{{- '<tool_call>\\n{"name": "' + made['function']['name'] + '", "arguments": ' + made['function']['arguments'] | tojson + '}\\n</tool_call>' }}
{%- endfor %}
{{- '<|end|>' }}
{%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
{{- '<|assistant|>' }}
{%- endif %}
"""


def byte_alphabet():
    """GPT-2's printable stand-ins for the 256 bytes."""
    printable = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    others = [b for b in range(256) if b not in printable]
    return {b: chr(b) for b in printable} | {b: chr(256 + i) for i, b in enumerate(others)}


def to_hugging_face(tok):
    letters = byte_alphabet()

    def spell(piece):
        return "".join(letters[b] for b in piece)

    added = [dict(id=i, content=t, single_word=False, lstrip=False, rstrip=False, normalized=False, special=True)
             for t, i in tok.special.items()]
    split = dict(type="Split", pattern=dict(Regex=LLAMA3_PATTERN), behavior="Isolated", invert=False)
    byte_level = dict(type="ByteLevel", add_prefix_space=False, trim_offsets=True, use_regex=False)
    model = dict(type="BPE", dropout=None, unk_token=None, continuing_subword_prefix=None, end_of_word_suffix=None,
                 fuse_unk=False, byte_fallback=False, ignore_merges=False,
                 vocab={spell(p): i for i, p in enumerate(tok.bytes_of)},
                 merges=[[spell(a), spell(b)] for a, b in tok.merges])
    return dict(version="1.0", truncation=None, padding=None, added_tokens=added, normalizer=None,
                pre_tokenizer=dict(type="Sequence", pretokenizers=[split, byte_level]), post_processor=None,
                decoder=dict(type="ByteLevel", add_prefix_space=True, trim_offsets=True, use_regex=True), model=model)
