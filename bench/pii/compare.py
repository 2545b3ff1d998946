#!/usr/bin/env python3
"""What Tollgate's scanner finds beside Presidio's pattern recognisers, on labelled texts, in one run.

    bench/pii/compare.py --spans texts.json --quiet negatives.jsonl [--out table.md]

--spans   texts with labels: a JSON list of {full_text, spans: [{entity_type, start_position, end_position}]}, the form of
          presidio-research's datasets
--quiet   texts in which nothing is personal: JSON lines with "text"

Presidio is installed into build/presidio by pip at the first run. It runs with all its pattern recognisers and without a
language model, because Tollgate has none either: names and addresses are listed so that nobody overlooks that neither
finds them. What a house's own detectors change about that is in a table of its own: 584 common names (names.txt) and a
pattern for streets. A finding counts where its type is the label's and the two overlap by half of what they cover together.
"""
import argparse
import collections
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
VENV = ROOT / "build/presidio"
# What a dataset calls what we and Presidio call otherwise.
SAME = {"IBAN": "IBAN_CODE", "PHONE": "PHONE_NUMBER", "EMAIL": "EMAIL_ADDRESS", "SSN": "US_SSN"}

PRESIDIO = r"""
import json, sys
from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
from presidio_analyzer.nlp_engine import NlpEngine, NlpArtifacts
import spacy
class Blank(NlpEngine):  # tokens only: context words work, a language model there is none
    def __init__(self): self.nlp = spacy.blank("en")
    def load(self): pass
    def is_loaded(self): return True
    def process_text(self, text, language):
        doc = self.nlp(text)
        return NlpArtifacts(entities=[], tokens=doc, tokens_indices=[t.idx for t in doc], lemmas=[t.text.lower() for t in doc],
                            nlp_engine=self, language=language)
    def process_batch(self, texts, language, **kwargs):
        for text in texts: yield text, self.process_text(text, language)
    def is_stopword(self, word, language): return self.nlp.vocab[word].is_stop
    def is_punct(self, word, language): return self.nlp.vocab[word].is_punct
    def get_supported_entities(self): return []
    def get_supported_languages(self): return ["en"]
engine = Blank()
registry = RecognizerRegistry()
registry.load_predefined_recognizers(languages=["en"], nlp_engine=engine)
registry.recognizers = [r for r in registry.recognizers if r.name != "SpacyRecognizer"]
analyzer = AnalyzerEngine(registry=registry, nlp_engine=engine, supported_languages=["en"])
for line in sys.stdin:
    found = analyzer.analyze(json.loads(line)["text"], language="en", score_threshold=THRESHOLD)
    print(json.dumps({"findings": [{"type": f.entity_type, "start": f.start, "end": f.end} for f in found]}), flush=True)
"""


# How streets are written: 2450 Crown St; Pohlstrasse 9; Via Franscini 71; Apt. 735.
STREETS = "|".join([
    r"\d+ (?:\S+ ){1,2}(?:Street|St|Avenue|Ave|Road|Rd|Lane|Ln|Drive|Dr|Boulevard|Blvd|Court|Ct|Square|Sq|Place)\b",
    r"\S+(?:strasse|straße|weg|platz|straat|gatan|gata|gate|vej|katu|utca) \d+",
    r"(?:[Vv]ia|[Rr]ua|[Rr]ue|[Cc]alle|[Aa]venida|ul\.) (?:\S+ ){1,2}\d+",
    r"(?:Apt\.|Suite|Unit) \d+",
])
OWN_TYPES = ("PERSON", "STREET_ADDRESS")
CONFIG = {
    "schema": 1, "master_key": {"file": "key"}, "listen": {"address": "127.0.0.1", "port": 0, "plaintext": True},
    "pii": {"detectors": {"PERSON": {"words": pathlib.Path(__file__).with_name("names.txt").read_text().split()},
                          "STREET_ADDRESS": {"pattern": STREETS}},
            "policies": {"own": {"action": "redact", "detectors": {kind: {"action": "redact"} for kind in OWN_TYPES}}}},
}


def tollgate(texts, binary, *options):
    done = subprocess.run([binary, "pii", "scan", "--jsonl", *options], input=as_lines(texts), capture_output=True, text=True,
                          check=True)
    return [json.loads(line)["findings"] for line in done.stdout.splitlines()]


def tollgate_with_own_detectors(texts, binary):
    with tempfile.TemporaryDirectory() as folder:
        (pathlib.Path(folder) / "key").write_bytes(bytes(range(32)))
        config = pathlib.Path(folder) / "tollgate.yaml"
        config.write_text(json.dumps(CONFIG))  # JSON is YAML
        found = tollgate(texts, binary, "--config", str(config), "--policy", "own")
    return [full_names(text, findings) for text, findings in zip(texts, found)]


def full_names(text, findings):
    """Words of a list that stand together are one name, with what stands between them: Ann B. Lee."""
    out = []
    for f in findings:
        last = out[-1] if out else None
        between = text[last["end"]:f["start"]] if last else ""
        if last and last["type"] == f["type"] == "PERSON" and re.fullmatch(r"[ -]|( [A-Z]\.? )", between):
            out[-1] = {**last, "end": f["end"]}
        else:
            out.append(f)
    return out


def presidio(texts, threshold):
    python = VENV / "bin/python"
    if not python.exists() or subprocess.run([python, "-c", "import presidio_analyzer"], capture_output=True).returncode:
        print("installing presidio-analyzer into build/presidio ...", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
        subprocess.run([VENV / "bin/pip", "install", "-q", "presidio-analyzer"], check=True)
    done = subprocess.run([python, "-c", PRESIDIO.replace("THRESHOLD", str(threshold))], input=as_lines(texts),
                          capture_output=True, text=True)
    if done.returncode:
        sys.exit("Presidio did not run: " + done.stderr[-2000:])
    return [json.loads(line)["findings"] for line in done.stdout.splitlines()]


def as_lines(texts):
    return "".join(json.dumps({"text": text}) + "\n" for text in texts)


def overlaps(a, b):
    both = min(a[1], b[1]) - max(a[0], b[0])
    return both >= 0.5 * (max(a[1], b[1]) - min(a[0], b[0]))


def score(labelled, findings):
    """Per type: labels found, labels missed, findings that are no label."""
    out = collections.defaultdict(collections.Counter)
    for item, found in zip(labelled, findings):
        labels = [(SAME.get(s["entity_type"], s["entity_type"]), (s["start_position"], s["end_position"]))
                  for s in item["spans"]]
        spans = [(f["type"], (f["start"], f["end"])) for f in found]
        for kind, span in labels:
            hit = any(kind == other and overlaps(span, there) for other, there in spans)
            out[kind]["found" if hit else "missed"] += 1
        for kind, span in spans:
            if not any(kind == other and overlaps(span, there) for other, there in labels):
                out[kind]["wrong"] += 1
    return out


def percent(part, whole):
    return f"{100 * part / whole:.1f} %" if whole else "-"


def table(ours, theirs):
    lines = ["| type | labels | Tollgate recall | precision | Presidio recall | precision |", "|---|---:|---:|---:|---:|---:|"]
    for kind in sorted(k for k in set(ours) | set(theirs) if ours[k]["found"] + ours[k]["missed"]):
        cells = [kind, str(ours[kind]["found"] + ours[kind]["missed"])]
        for counts in (ours[kind], theirs[kind]):
            cells += [percent(counts["found"], counts["found"] + counts["missed"]),
                      percent(counts["found"], counts["found"] + counts["wrong"])]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def own_table(without, own):
    lines = ["| type | labels | Tollgate recall | with a list of names and a pattern | precision |", "|---|---:|---:|---:|---:|"]
    for kind in OWN_TYPES:
        labels = own[kind]["found"] + own[kind]["missed"]
        lines.append(f"| {kind} | {labels} | {percent(without[kind]['found'], labels)} | {percent(own[kind]['found'], labels)} "
                     f"| {percent(own[kind]['found'], own[kind]['found'] + own[kind]['wrong'])} |")
    return lines


def flagged(texts, findings):
    return f"{sum(1 for f in findings if f)} of {len(texts)} ({percent(sum(1 for f in findings if f), len(texts))})"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spans", type=pathlib.Path, required=True, metavar="FILE")
    parser.add_argument("--quiet", type=pathlib.Path, metavar="FILE")
    parser.add_argument("--threshold", type=float, default=0.4, help="Presidio's score threshold (0.4)")
    parser.add_argument("--binary", default=str(ROOT / "build/release/tollgate"))
    parser.add_argument("--out", type=pathlib.Path, metavar="FILE", help="write the table as Markdown here as well")
    options = parser.parse_args()

    labelled = json.loads(options.spans.read_text())
    texts = [item["full_text"] for item in labelled]
    lines, seconds = [], {}
    results = {}
    for name, scan in (("Tollgate", lambda t: tollgate(t, options.binary)), ("Presidio", lambda t: presidio(t, options.threshold))):
        begun = time.monotonic()
        results[name] = scan(texts)
        seconds[name] = time.monotonic() - begun
    ours = score(labelled, results["Tollgate"])
    lines += table(ours, score(labelled, results["Presidio"]))
    lines += [""] + own_table(ours, score(labelled, tollgate_with_own_detectors(texts, options.binary)))
    size = sum(len(text.encode()) for text in texts)
    lines += ["", f"{len(texts)} texts, {size / 1000:.0f} kB, process start included: " +
              ", ".join(f"{name} {took:.1f} s" for name, took in seconds.items()) + "."]
    if options.quiet:
        quiet = [json.loads(line)["text"] for line in options.quiet.read_text().splitlines()]
        lines += ["", "Texts in which nothing is personal, flagged: Tollgate " + flagged(quiet, tollgate(quiet, options.binary)) +
                  ", with its own detectors " + flagged(quiet, tollgate_with_own_detectors(quiet, options.binary)) +
                  ", Presidio " + flagged(quiet, presidio(quiet, options.threshold)) + "."]
    print("\n".join(lines))
    if options.out:
        options.out.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
