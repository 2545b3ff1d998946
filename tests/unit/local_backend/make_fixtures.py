"""Writes the fixtures that compare this runtime with the reference implementations. Needed only to renew them.

    pip install tokenizers jinja2 && python3 make_fixtures.py
"""
import json
import pathlib
import random

import jinja2
import jinja2.sandbox
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

HERE = pathlib.Path(__file__).parent
PATTERN = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
           r"|\s*[\r\n]+|\s+(?!\S)|\s+")
WORDS = ("the quick brown fox jumps over a lazy dog while they've said that it's 1234 o'clock and we'll see you there "
         "Straße naïve café Ελλάδα Москва 東京 hello world tokenizer byte pair encoding merges rank table").split()


def trained_tokenizer():
    tok = Tokenizer(models.BPE())
    tok.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(PATTERN), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tok.decoder = decoders.ByteLevel()
    rng = random.Random(1)
    texts = [" ".join(rng.choice(WORDS) for _ in range(12)) for _ in range(400)]
    trainer = trainers.BpeTrainer(vocab_size=520, special_tokens=["<|bos|>", "<|user|>", "<|assistant|>", "<|end|>"],
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tok.train_from_iterator(texts, trainer)
    return tok


def strings():
    rng = random.Random(2)
    yield from ["", " ", "  ", "\n", " \n ", "a", "don't DON'T we'LL I'ſt '", "x  y", "1234567", "½²³ ٣٤٥ Ⅷ", "a\r\nb\n\n c",
                "\u00a0\u3000\u2028x", "!!!\n\n\nx", " !!\r\nx", "e\u0301te\u0301", "🙂👍🏽 ok", "tab\t\tend", "trailing   ",
                "a\u200bb", "\u180e \u0085 \u001c", "'S's 'rE 'x", "#_#foo_bar", "日本語テキスト。", "a" * 300]
    pool = list("aAzZ's'tT 'reLL19½ \n\r\t.,!?_-ßéΩЖ東🙂\u00a0\u0301\u2028ſ") + [" ", " ", "  ", "\n"]
    for _ in range(400):
        yield "".join(rng.choice(pool) for _ in range(rng.randint(1, 40)))
    for _ in range(60):
        yield " ".join(rng.choice(WORDS) for _ in range(rng.randint(1, 8)))


TEMPLATES = [
    "plain text\n", "{{ 'a' }}\n{{ \"b\\n\" }}\n", "{# c #}\nx\n", "  {% if true %}\n  x\n  {% endif %}\ny",
    "a {%- if true -%} b {%- endif -%} c", "a {{- ' b ' -}} c", "{{ bos_token }}{% for m in messages %}{{ m.role }}:"
    "{{ m['content'] }}{% if not loop.last %}, {% endif %}{% endfor %}",
    "{% for m in messages %}{{ loop.index }}{{ loop.index0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }} {% endfor %}",
    "{% set x = 1 %}{% for m in messages %}{% set x = x + 1 %}{{ x }}{% endfor %}{{ x }}",
    "{% set x = 'a' %}{% if true %}{% set x = x + 'b' %}{% endif %}{{ x }}",
    "{{ messages[0]['role'] == 'system' and messages|length > 1 }}", "{{ messages[1:]|length }}{{ messages[:-1]|length }}",
    "{{ messages[-1].content|trim|upper }}", "{{ '  x ' ~ 1 ~ none ~ true }}", "{{ x is defined }}{{ bos_token is defined }}",
    "{{ x is not defined }}{{ none is none }}{{ 'a' is string }}{{ messages is iterable }}{{ 1 is number }}",
    "{{ 'a' if false else 'b' }}{{ 'c' if false }}", "{{ 'ell' in 'hello' }}{{ 'x' not in ['x', 'y'] }}{{ 3 in [1, 2] }}",
    "{{ 1 + 2 * 3 - 4 }}{{ 7 % 3 }}{{ -7 % 3 }}{{ 2 * (3 + 4) }}", "{{ not true or true and false }}",
    "{{ 'Ab' | lower }}{{ 'é€' | length }}", "{{ messages | tojson }}", "{{ 'a\"b\\\\' | tojson }}{{ [1, true, none] | tojson }}",
    "{% if false %}a{% elif 1 == 1 %}b{% else %}c{% endif %}", "{% for x in [] %}n{% endfor %}e", "{{ missing }}|",
    "{%- for m in messages %}\n{{- m.role + '\\n' }}\n{%- endfor %}\n", "\n\n{% if true %}\n\n\nx\n{% endif %}\n\n",
    "{% for m in messages %}\n    {% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}\n{{ m.role }}\n    {% endif %}\n"
    "{% endfor %}", "{{ 'a' < 'b' }}{{ 2 >= 2 }}", "x  {%+ if true %} y{% endif %}", "{{ 'a' 'b' }}", "{{ [1, 'x'] }}",
    "{% set loop_messages = messages %}{% for message in loop_messages %}{% set content = '<|start|>' + message['role'] + "
    "'<|sep|>\n\n'+ message['content'] | trim + '<|eot|>' %}{% if loop.index0 == 0 %}{% set content = bos_token + content %}"
    "{% endif %}{{ content }}{% endfor %}{% if add_generation_prompt %}{{ '<|start|>assistant<|sep|>\n\n' }}{% endif %}",
    "{{ raise_exception('no ' + messages[0].role) }}", "{% if messages[0].role == 'system' %}{{ messages[0].content }}\n"
    "{% set rest = messages[1:] %}{% else %}{% set rest = messages %}{% endif %}{% for m in rest %}[{{ m.content }}]{% endfor %}",
]
CONVERSATIONS = [
    [dict(role="user", content="Hello")],
    [dict(role="system", content=" Be brief. "), dict(role="user", content="Grüße\n"), dict(role="assistant", content="\"ok\""),
     dict(role="user", content="bye")],
]


def render(source, messages):
    env = jinja2.sandbox.ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)

    def raise_exception(message):
        raise jinja2.exceptions.TemplateError(message)

    env.globals["raise_exception"] = raise_exception
    env.filters["tojson"] = lambda x: json.dumps(x, ensure_ascii=False)
    try:
        return dict(text=env.from_string(source).render(messages=messages, add_generation_prompt=True, bos_token="<s>",
                                                        eos_token="</s>"))
    except jinja2.exceptions.TemplateError as error:
        return dict(error=str(error))


def main():
    tok = trained_tokenizer()
    tok.save(str(HERE / "fixtures" / "tokenizer.json"), pretty=False)
    cases = [dict(text=s, ids=tok.encode(s, add_special_tokens=False).ids) for s in strings()]
    (HERE / "fixtures" / "tokenizer_cases.json").write_text(json.dumps(cases) + "\n")
    cases = [dict(template=t, messages=m, **render(t, m)) for t in TEMPLATES for m in CONVERSATIONS]
    (HERE / "fixtures" / "jinja_cases.json").write_text(json.dumps(cases, indent=0) + "\n")


if __name__ == "__main__":
    main()
