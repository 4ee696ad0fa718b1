"""Write what Python's jinja2 renders into the golden files of this folder.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install jinja2
    /tmp/venv/bin/python jinja/testdata/regen.py

A file begins with comments (#) and, at will, one line "vars JSON" for all its
cases. A case is "=== TEMPLATE" with the expected text below it, or

    === a name
    --- template
    several lines
    --- vars
    {"of": "this case"}
    --- options
    trim_blocks lstrip_blocks
    --- want
    the text

A failure is "--- error" in place of the text: the exception and its message,
syntax errors with their line. Each section loses its last line break.
"""

import json
import pathlib
import re

import jinja2

EXTENSIONS = ["jinja2.ext.do", "jinja2.ext.loopcontrols"]


def sections(lines):
    """Split the lines of a case into sections; the first is the bare want."""
    out, name = {"": []}, ""
    for line in lines:
        if m := re.fullmatch(r"--- (template|vars|options|want|error)\n", line):
            name = m[1]
            out[name] = []
        else:
            out[name].append(line)
    return {k: "".join(v).removesuffix("\n") for k, v in out.items()}


def render(title, case, common):
    source = case.get("template", title)
    options = {o: True for o in case.get("options", "").split()}
    if options.pop("strict", False):
        options["undefined"] = jinja2.StrictUndefined
    variables = {**common, **json.loads(case.get("vars", "{}"))}
    env = jinja2.Environment(extensions=EXTENSIONS, **options)
    try:
        return "want", env.from_string(source).render(variables)
    except jinja2.TemplateSyntaxError as e:
        return "error", f"{type(e).__name__} line {e.lineno}: {e.message}"
    except Exception as e:
        return "error", f"{type(e).__name__}: {e}".split("\n")[0]


def regenerate(path):
    head, *cases = re.split(r"(?m)^=== ", path.read_bytes().decode())
    common = {}
    for line in head.splitlines():
        if line.startswith("vars "):
            common = json.loads(line.removeprefix("vars "))
    out = [head]
    for text in cases:
        title, *lines = text.splitlines(keepends=True)
        title = title.removesuffix("\n")
        case = sections(lines)
        kind, result = render(title, case, common)
        if re.search(r"(?m)^(=== |--- )", result):
            raise SystemExit(f"{path.name}: the text of {title!r} looks like a header")
        out.append(f"=== {title}\n")
        for name in ("template", "vars", "options"):
            if name in case:
                out.append(f"--- {name}\n{case[name]}\n")
        if kind == "error" or "template" in case:
            out.append(f"--- {kind}\n")
        out.append(result + "\n")
    path.write_bytes("".join(out).encode())
    return len(cases)


if __name__ == "__main__":
    total = 0
    for path in sorted(pathlib.Path(__file__).parent.glob("*.txt")):
        total += regenerate(path)
    print(f"{total} cases by jinja2 {jinja2.__version__}")
