"""The official Twilio packages, installed below target/, and our own programs."""

import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
WORK = ROOT / "target" / "differential" / "signature"
PYTHON = WORK / "venv" / "bin" / "python"
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug"


def missing(what):
    print(f"missing: {what}")
    sys.exit(2)


def command(arguments, needs, **options):
    """Runs a command of the preparation; its failure ends the run with one line."""
    done = subprocess.run(arguments, capture_output=True, text=True, **options)
    if done.returncode != 0:
        last = (done.stderr or done.stdout).strip().splitlines()
        missing(f"{needs} (`{' '.join(map(str, arguments))}`: {last[-1] if last else 'failed'})")
    return done.stdout.strip()


def install():
    """Installs both packages once; gives their versions in one line."""
    for tool in ("cargo", "node", "npm"):
        if not shutil.which(tool):
            missing(f"`{tool}` on the PATH")
    WORK.mkdir(parents=True, exist_ok=True)
    if not (WORK / "venv" / "installed").exists():
        command([sys.executable, "-m", "venv", WORK / "venv"], "Python's `venv` module")
        command([PYTHON, "-m", "pip", "install", "-q", "twilio"], "`twilio` from PyPI")
        (WORK / "venv" / "installed").touch()
    if not (WORK / "node_modules" / "twilio").exists():
        (WORK / "package.json").write_text("{}")
        npm = ["npm", "install", "--no-audit", "--no-fund", "twilio"]
        command(npm, "`twilio` from npm", cwd=WORK)
    python = [PYTHON, "-c", "import twilio; print(twilio.__version__)"]
    node = ["node", "-p", "require('twilio/package.json').version"]
    python = command(python, "`twilio` from PyPI", cwd=WORK)
    node = command(node, "`twilio` from npm", cwd=WORK)
    return f"twilio {python} of PyPI, twilio {node} of npm"


def build(*what):
    """Builds one of our programs as `cargo test` would; gives its path."""
    cargo = ["cargo", "build", "--quiet", *what]
    command(cargo, "a toolchain that builds the project", cwd=ROOT)
    return TARGET / "examples" / what[1] if what[0] == "--example" else TARGET / what[1]
