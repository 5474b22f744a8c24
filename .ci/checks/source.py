"""What the checks share: which files there are, and their text without comments and literals."""

import pathlib
import re
import subprocess
import sys

CPP = (".cpp", ".hpp", ".c", ".h")


def files(root, suffixes, tops):
    """Paths below `tops`, relative to root, that git knows or would add; all of them outside a repository."""
    try:
        listed = subprocess.run(
            ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *tops],
            check=True, capture_output=True).stdout.decode().split("\0")
        found = [pathlib.PurePosixPath(name) for name in listed if name]
    except (OSError, subprocess.CalledProcessError):
        found = [path.relative_to(root) for top in tops for path in sorted((root / top).rglob("*"))]
    return [path for path in found if path.suffix in suffixes and (root / path).is_file()]


_TOKENS = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<d>[^()\\ ]{0,16})\(.*?\)(?P=d)"|"(?:\\.|[^"\\\n])*"|(?<![0-9A-Fa-f])\'(?:\\.|[^\'\\\n])+\'',
    re.DOTALL)


def blank(text):
    """The same text with comments and the inside of literals turned to blanks; line numbers stay."""
    return _TOKENS.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def read(root, path):
    return (root / path).read_text(encoding="utf-8", errors="replace")


def report(name, problems, good):
    """Prints what was found, or in one line what was looked at. Returns the exit status."""
    for problem in problems:
        print(problem)
    if problems:
        print(f"{name}: {len(problems)} problem{'s' if len(problems) != 1 else ''}")
        return 1
    print(f"{name}: {good}")
    return 0


def root_from_arguments():
    here = pathlib.Path(__file__).resolve().parents[2]
    return pathlib.Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else here
