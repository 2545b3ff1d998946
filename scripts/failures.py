#!/usr/bin/env python3
"""The end of what each failed test said, from ctest's JUnit file: in a long log it stands far above."""
import sys
import xml.etree.ElementTree as xml

LINES = 60

for case in xml.parse(sys.argv[1]).getroot().iter("testcase"):
    if case.get("status") == "fail":
        said = (case.findtext("system-out") or "").rstrip().splitlines()
        print(f"\n--- {case.get('name')} ---", *said[-LINES:], sep="\n")
