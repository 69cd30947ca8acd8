#!/usr/bin/env python3
"""Checks what the documents (*.md) say about this repository:

- relative links lead to files, and anchors to headings;
- paths in backticks exist;
- commands exist: scripts, subcommands and options of upgate, presets, labels of tests;
- configurations (```yaml) pass `upgate check`;
- code after a comment "from FILE" is a part of that file, except for lines that consist of "...".

    UPGATE_BINARY=build/dev/upgate tests/docs.py
"""

import functools
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOP = ("gateway", "plugins", "tests", "deploy", "docker", "docs")
LEFT_OUT = {"build", "node_modules", ".git", ".cache"}
FROM = re.compile(r"<!-- from (\S+) -->")


@dataclass
class Block:
    kind: str
    line: int
    source: str | None  # the file that it quotes
    text: str = ""


@dataclass
class Page:
    path: Path
    text: str
    blocks: list[Block] = field(default_factory=list)
    prose: list[tuple[int, str]] = field(default_factory=list)  # lines outside of blocks

    def __post_init__(self):
        block = None
        source = None
        for number, line in enumerate(self.text.splitlines(), 1):
            if line.startswith("```"):
                if block is None:
                    block = Block(line[3:].strip(), number, source)
                else:
                    self.blocks.append(block)
                    block = source = None
            elif block is not None:
                block.text += line + "\n"
            else:
                self.prose.append((number, line))
                if line.strip():
                    comment = FROM.fullmatch(line.strip())
                    source = comment.group(1) if comment else None

    @functools.cached_property
    def anchors(self) -> set[str]:
        """The anchors that GitHub generates for headings."""
        found: dict[str, int] = {}
        anchors = set()
        for _, line in self.prose:
            if heading := re.match(r"#{1,6} +(.*)", line):
                title = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading.group(1))
                slug = re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-")
                count = found[slug] = found.get(slug, -1) + 1
                anchors.add(f"{slug}-{count}" if count else slug)
        return anchors


def pages() -> list[Page]:
    found = []
    for folder, folders, files in os.walk(ROOT):
        folders[:] = sorted(set(folders) - LEFT_OUT)
        found += [Path(folder, name) for name in sorted(files) if name.endswith(".md")]
    return [Page(path, path.read_text()) for path in found]


# ---- links and paths


def without_code(line: str) -> str:
    return re.sub(r"`[^`]*`", lambda code: " " * len(code.group()), line)


def check_links(page: Page):
    for number, line in page.prose:
        for target in re.findall(r"\]\(([^)\s]+)\)", without_code(line)):
            if re.match(r"[a-z]+:", target):
                continue
            name, _, anchor = target.partition("#")
            file = (page.path.parent / name).resolve() if name else page.path
            if name and not file.exists():
                yield number, f"the link leads to {name}, which does not exist"
            elif anchor and anchor not in (page if file == page.path else Page(file, file.read_text())).anchors:
                yield number, f"{name or 'this page'} has no heading for #{anchor}"


def check_paths(page: Page):
    for number, line in page.prose:
        for code in re.findall(r"`([^`]+)`", line):
            path = code.split()[0]
            if path.split("/")[0] not in TOP or "/" not in path or re.search(r"[*<>{}:]|[A-Z]{4}", path):
                continue
            if not (ROOT / path).exists():
                yield number, f"`{path}` does not exist"


# ---- commands


@functools.cache
def help_of(*command: str) -> str:
    result = subprocess.run([os.environ["UPGATE_BINARY"], *command, "--help"], capture_output=True, text=True)
    return result.stdout if result.returncode == 0 else ""


def options_of(words: list[str]) -> list[str]:
    """Only the options, without values: "-xyz" for "-xyz=1"."""
    return [word.split("=")[0] for word in words if re.match(r"--?[A-Za-z]", word)]


def has_option(text: str, option: str) -> bool:
    return re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", text) is not None


def check_upgate(words: list[str]):
    if not words or words[0].startswith("-"):
        known, name = help_of(), "upgate"
    else:
        known, name = help_of(words[0]), f"upgate {words[0]}"
    if not known:
        return [f"there is no command `{name}`"]
    return [f"`{name}` has no option {option}" for option in options_of(words) if not has_option(known, option)]


def text_of_script(script: Path) -> str:
    """The text of a script, and of the programs that get its options."""
    text = script.read_text()
    if script.is_relative_to(ROOT / "tests/bench"):
        text += "".join(file.read_text() for file in (ROOT / "tests/bench/harness").rglob("*.py"))
    if "upgate" in text and '" demo ' in text:
        text += help_of("demo")
    return text


def check_script(name: str, words: list[str]):
    script = ROOT / name
    if not script.exists():
        return [f"there is no {name}"]
    if not os.access(script, os.X_OK):
        return [f"{name} cannot be executed"]
    text = text_of_script(script)
    return [f"{name} has no option {option}" for option in options_of(words) if not has_option(text, option)]


@functools.cache
def presets() -> set[str]:
    return {preset["name"] for preset in json.loads((ROOT / "CMakePresets.json").read_text())["configurePresets"]}


@functools.cache
def labels() -> str:
    return "\n".join(file.read_text() for file in (ROOT / "tests").rglob("CMakeLists.txt") if "node_modules" not in file.parts)


def check_cmake(words: list[str]):
    values = dict(zip(words, words[1:]))
    if "--preset" in values and values["--preset"] not in presets():
        yield f"there is no preset {values['--preset']}"
    if "-L" in values and f'"{values["-L"]}"' not in labels():
        yield f"no test has the label {values['-L']}"


def check_command(words: list[str]):
    while words and (words[0] in ("sudo", "nice") or re.match(r"\w+=", words[0])):
        words = words[1:]
    if not words:
        return []
    name, rest = words[0], words[1:]
    if name == "upgate" or re.fullmatch(r"build/[\w-]+/upgate", name):
        return check_upgate(rest)
    if "/" in name and name.split("/")[0] in TOP:
        return check_script(name, rest)
    if name in ("cmake", "ctest"):
        return check_cmake(rest)
    files = [value for option, value in zip(words, rest) if option in ("--file", "-f")]
    return [f"there is no {file}" for file in files if name == "docker" and not (ROOT / file).exists()]


def commands_of(text: str):
    """The commands of a script, as lists of words, with the line number where each begins."""
    line = ""
    start = 0
    for number, part in enumerate(text.splitlines()):
        start = start if line else number
        line += part
        if line.endswith("\\"):
            line = line[:-1] + " "
            continue
        lexer = shlex.shlex(line, posix=True, punctuation_chars="();&|")
        lexer.whitespace_split = True
        words: list[str] = []
        for token in [*lexer, ";"]:
            if not set(token) <= set("();&|"):
                words.append(token)
            elif words:
                yield start, words
                words = []
        line = ""


def check_commands(page: Page):
    for block in page.blocks:
        if block.kind == "sh":
            for number, words in commands_of(block.text):
                for fault in check_command(words):
                    yield block.line + 1 + number, fault
    for number, line in page.prose:
        for code in re.findall(r"`(upgate [^`]+)`", line):
            for fault in check_command(shlex.split(code)):
                yield number, fault


# ---- blocks


def prepare(folder: Path, text: str) -> str:
    """Creates the files named in a configuration, all in the folder, and replaces its ports by 0, because they may be in use."""
    text = re.sub(r"\b(root|file): /", r"\1: ", text)
    for key, name in re.findall(r"\b(cert|key|ca|client_ca|root|file): *\"?([\w./-]+)", text):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if key == "root":
            path.mkdir(exist_ok=True)
            (path / "index.html").touch()
        elif key == "file":
            path.write_text("token: 127.0.0.1:5900\n")
        elif key == "key":
            path.write_text(certificate()[0])
        else:
            path.write_text(certificate()[1])
    for name in re.findall(r": *\"?([\w./-]+\.html)", text):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return re.sub(r"(address: *\"?[^\s\",}]*):\d+", r"\1:0", text)


@functools.cache
def certificate() -> tuple[str, str]:
    """A key and a self-signed certificate."""
    with tempfile.TemporaryDirectory() as folder:
        request = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        place = ["-subj", "/CN=site", "-days", "2", "-keyout", f"{folder}/key", "-out", f"{folder}/cert"]
        subprocess.run([*request, *place], check=True, capture_output=True)
        return Path(folder, "key").read_text(), Path(folder, "cert").read_text()


def check_configurations(page: Page):
    for block in page.blocks:
        if block.kind != "yaml":
            continue
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "upgate.yaml")
            file.write_text(prepare(Path(folder), block.text))
            command = [os.environ["UPGATE_BINARY"], "check", "--config", file]
            result = subprocess.run(command, capture_output=True, text=True)
        if result.returncode != 0:
            yield block.line, "upgate check: " + result.stderr.strip().replace(folder + "/", "")


def check_quotes(page: Page):
    for block in page.blocks:
        if block.source is None:
            continue
        file = ROOT / block.source
        text = file.read_text() if file.exists() else ""
        at = 0
        for piece in re.split(r"^ *\.\.\.\n", block.text, flags=re.MULTILINE):
            at = text.find(piece, at)
            if at < 0:
                yield block.line, f"this is not in {block.source} (any more)"
                break
            at += len(piece)


CHECKS = (check_links, check_paths, check_commands, check_configurations, check_quotes)


def faults_of(page: Page) -> list[tuple[int, str]]:
    return sorted(fault for check in CHECKS for fault in check(page))


# ---- a test of the checks

SAMPLE = """# One heading
## Two, with `code` & more
[here](#two-with-code--more) [there](docs/README.md#documentation) `tests/docs.py` `tests/NAMES.md`
[nowhere](#three) `[no](link)`
[gone](docs/gone.md) [too far](docs/README.md#gone)
`gateway/gone.cc` `upgate gone` `upgate run --gone`
```sh
upgate check --config upgate.yaml | cat   # fine
upgate probe --gone && tests/gone.sh
deploy/install-deps.sh --gone; cmake --preset gone \\
  --fresh
ctest -L gone
```
```yaml
listeners: [ { address: "127.0.0.1:80" } ]
routes: [ { path: /, plugin: gone } ]
```
<!-- from tests/docs.py -->
```python
ROOT = Path(__file__).resolve().parent.parent
...
def pages() -> list[Page]:
```
<!-- from README.md -->
```python
gone and never there
```
"""
SAMPLE_FAULTS = [
    (4, "this page has no heading for #three"),
    (5, "docs/README.md has no heading for #gone"),
    (5, "the link leads to docs/gone.md, which does not exist"),
    (6, "`gateway/gone.cc` does not exist"),
    (6, "`upgate run` has no option --gone"),
    (6, "there is no command `upgate gone`"),
    (9, "`upgate probe` has no option --gone"),
    (9, "there is no tests/gone.sh"),
    (10, "deploy/install-deps.sh has no option --gone"),
    (10, "there is no preset gone"),
    (12, "no test has the label gone"),
    (14, "upgate check:"),
    (25, "this is not in README.md (any more)"),
]


def test_checks() -> list[str]:
    found = faults_of(Page(ROOT / "sample.md", SAMPLE))
    found = [(line, "upgate check:" if fault.startswith("upgate check:") else fault) for line, fault in found]
    missed = [f"sample:{line}: not found: {fault}" for line, fault in SAMPLE_FAULTS if (line, fault) not in found]
    return missed + [f"sample:{line}: unexpected: {fault}" for line, fault in found if (line, fault) not in SAMPLE_FAULTS]


def main() -> int:
    problems = test_checks()
    for page in pages():
        problems += [f"{page.path.relative_to(ROOT)}:{line}: {fault}" for line, fault in faults_of(page)]
    print("\n".join(problems), end="\n" if problems else "")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
