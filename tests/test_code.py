"""What is nowhere in the code, and how the little that is dangerous is used: read from the source itself."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PYTHON = sorted((ROOT / "consent").rglob("*.py"))
SCRIPTS = sorted([*(ROOT / "widget" / "src").rglob("*.js"), *(ROOT / "consent" / "web" / "static").glob("*.js")])

DANGEROUS = {"eval", "exec", "compile", "__import__"}
UNREAD = {"pickle", "marshal", "shelve", "yaml", "dill", "random", "telnetlib", "ftplib", "lxml"}
"""Modules that make objects of bytes, draw chances that can be guessed, or speak in the open."""

COMMANDS = {("os", "system"), ("os", "popen"), ("os", "spawnv"), ("os", "execvp"), ("os", "posix_spawn")}
HASHES = {"sha256", "sha512", "file_digest"}
MATTERS = {
    "cryptography.exceptions", "cryptography.hazmat.primitives", "cryptography.hazmat.primitives.asymmetric",
    "cryptography.hazmat.primitives.asymmetric.ed25519", "cryptography.hazmat.primitives.asymmetric.utils",
    "cryptography.hazmat.primitives.ciphers.aead",
}  # fmt: skip
"""Where cryptography is taken from: authenticated ciphers, Ed25519, and what a provider's signatures need."""

PATTERNS = {"catalogue/match.py", "policy/duties/theme.py"}
"""Files whose patterns are put together in a function: of escaped parts, of themes.toml."""

MATCHING = {"compile", "match", "fullmatch", "search", "sub", "split", "findall", "finditer"}


def trees() -> Iterator[tuple[str, ast.AST]]:
    """Every file of the service, by its path in the package."""
    for path in PYTHON:
        yield path.relative_to(ROOT / "consent").as_posix(), ast.parse(path.read_text("utf-8"))


def calls(tree: ast.AST) -> Iterator[tuple[str, str, ast.Call]]:
    """Each call: the name before the dot, the name called, the call."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name):
                yield "", node.func.id, node
            elif isinstance(node.func, ast.Attribute):
                yield ast.unparse(node.func.value), node.func.attr, node


def imported(tree: ast.AST) -> Iterator[str]:
    """Each module that is imported."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def test_nothing_dangerous_is_called() -> None:
    """No code of text, no command of the system, no module that makes objects of bytes; the service itself alone is
    begun anew."""
    found = []
    for path, tree in trees():
        found += [f"{path}: {name}" for of, name, _ in calls(tree) if not of and name in DANGEROUS]
        found += [f"{path}: {of}.{name}" for of, name, _ in calls(tree) if (of, name) in COMMANDS or of == "subprocess"]
        found += [f"{path}: {name}" for name in imported(tree) if name.partition(".")[0] in UNREAD]
        if path != "web/server.py":
            found += [f"{path}: {name}" for of, name, _ in calls(tree) if of == "os" and name.startswith("exec")]

    assert found == []


def test_patterns_hold_no_input() -> None:
    """A pattern is a constant, or made once of constants; where it is made in a function, the file is known here."""
    found = set()
    for path, tree in trees():
        for function in (one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)):
            for of, name, call in calls(function):
                if of == "re" and name in MATCHING and not isinstance(call.args[0], ast.Constant):
                    found.add(path)

    assert found == PATTERNS


def test_formats_are_our_own() -> None:
    """No text of others is used as a format."""
    found = []
    for path, tree in trees():
        for of, name, call in calls(tree):
            ours = isinstance(getattr(call.func, "value", None), ast.Constant) or of.startswith(("_", "msgspec.json"))
            if name == "format" and (call.args or call.keywords) and not ours:
                found.append(f"{path}: {ast.unparse(call)}")
            if name == "format_map":
                found.append(f"{path}: {ast.unparse(call)}")

    assert found == []


def test_cryptography_is_not_our_own() -> None:
    """Ciphers and signatures come from one library, hashes are SHA-2; SHA-1 is there for authenticators alone."""
    hashes: set[str] = set()
    modules: set[str] = set()
    digests = []
    for path, tree in trees():
        hashes |= {name for of, name, _ in calls(tree) if of == "hashlib"}
        modules |= {name for name in imported(tree) if name.startswith(("cryptography", "Crypto", "nacl", "ssl"))}
        for of, name, call in calls(tree):
            if of == "hmac" and name in ("digest", "new"):
                digests.append((path, ast.unparse(call.args[-1]).strip("'")))

    assert hashes <= HASHES
    assert modules <= MATTERS | {"ssl"}
    assert {digest for path, digest in digests if path != "accounts/totp.py"} <= {"sha256", "hashlib.sha256"}
    assert [digest for path, digest in digests if path == "accounts/totp.py"] == ["sha1"]


def test_chance_is_that_of_the_system() -> None:
    """What nobody may guess is drawn by the operating system: there is no other source of chance in the code."""
    sources = set()
    for _, tree in trees():
        sources |= {f"{of}.{name}" for of, name, _ in calls(tree) if of == "secrets" or (of, name) == ("os", "urandom")}
        assert "random" not in set(imported(tree))

    assert sources <= {
        "os.urandom",
        "secrets.token_bytes",
        "secrets.token_hex",
        "secrets.token_urlsafe",
        "secrets.compare_digest",
    }


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_no_script_of_ours_makes_code_of_text(path: Path) -> None:
    """No script of ours runs a text, or gives one to the page as markup."""
    text = path.read_text("utf-8")

    assert (
        re.findall(r"\beval\(|new Function\b|\.(?:inner|outer)HTML\s*=|insertAdjacentHTML|document\.write\(", text)
        == []
    )
    assert re.findall(r"javascript:|setTimeout\(\s*[\"'`]|<(?:object|embed|applet)\b", text) == []


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_no_script_of_ours_listens_to_messages(path: Path) -> None:
    """Nobody can send them any: there is no listener."""
    assert re.findall(r"[\"']message[\"']|\bonmessage\b", path.read_text("utf-8")) == []


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-test.txt"])
def test_every_library_is_pinned_by_its_hash(name: str) -> None:
    """Each library has one version and the hashes of its files, and nothing says where it was fetched from."""
    text = (ROOT / "scripts" / name).read_text("utf-8")
    blocks = [block for block in re.split(r"\n(?=[A-Za-z0-9])", text) if not block.startswith("#")]

    assert len(blocks) > 10
    assert [block.split()[0] for block in blocks if not re.match(r"[\w.\[\]-]+==\S+", block)] == []
    assert [block.split()[0] for block in blocks if "--hash=sha256:" not in block] == []
    assert "://" not in text
