#!/bin/sh
# bootstrap.sh ENVIRONMENT LOCK: makes the environment with everything the lock names, and this project, in it.
# Needs Python 3.11 to 3.14 and one of: uv, venv, pip. Needs no sudo; touches nothing outside this folder.
# PYTHON names the interpreter; without it the first fitting one on PATH is taken.
set -eu
cd "$(dirname "$0")/.."
environment=$1 lock=$2
unset PYTHONPATH PYTHONHOME VIRTUAL_ENV PIP_TARGET PIP_PREFIX
export PIP_USER=0 PIP_REQUIRE_VIRTUALENV=0 PIP_DISABLE_PIP_VERSION_CHECK=1

die() { echo "error: $1" >&2; exit 1; }
say() { echo "bootstrap: $1" >&2; }
fits() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' >/dev/null 2>&1; }
version() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])'; }
has_pip() { "$1" -m pip --version >/dev/null 2>&1; }

package() { # the name of what is missing, as this system's package manager calls it: Debian's, then everyone else's
    if command -v apt-get >/dev/null 2>&1; then echo "sudo apt install $1"; else echo "install $2"; fi
}

chosen=${PYTHON:-}
if [ -n "$chosen" ]; then
    fits "$chosen" || die "PYTHON=$chosen is not a Python 3.11 to 3.14; name one that is"
else
    for candidate in python3 python3.14 python3.13 python3.12 python3.11 python; do
        if fits "$candidate"; then PYTHON=$candidate; break; fi
    done
    [ -n "${PYTHON:-}" ] || die "no Python 3.11 to 3.14 on PATH; $(package python3-venv python3) or name one: make PYTHON=…"
fi

# An environment that works stays, unless another Python was asked for.
if ! fits "$environment/bin/python"; then
    rm -rf "$environment"
elif [ -n "$chosen" ] && [ "$(version "$environment/bin/python")" != "$(version "$PYTHON")" ]; then
    rm -rf "$environment"
fi

uv=
if uv --version >/dev/null 2>&1; then
    say "with the uv on PATH"
    uv=uv
elif has_pip "$environment/bin/python"; then
    say "with the pip of $environment"
elif rm -rf "$environment"; "$PYTHON" -m venv "$environment" >/dev/null 2>&1; then
    say "with venv and pip"
elif rm -rf "$environment"; has_pip "$PYTHON"; then
    say "with a private uv in .tools, because $PYTHON has no venv"
    mkdir -p .tools
    awk '/^[^ ]/ { uv = /^uv==/ } uv' "$lock" >.tools/uv.lock
    "$PYTHON" -m pip install --quiet --require-hashes --no-deps --upgrade --target .tools -r .tools/uv.lock
    uv=.tools/bin/uv
else
    die "$PYTHON has neither venv nor pip; $(package "python$(version "$PYTHON")-venv" 'python3-pip'), then run make again"
fi

if [ -n "$uv" ]; then
    [ -d "$environment" ] || "$uv" venv --quiet --no-project --python "$PYTHON" "$environment"
    install() { "$uv" pip install --quiet --python "$environment/bin/python" "$@"; }
else
    install() { "$environment/bin/python" -m pip install --quiet "$@"; }
fi
say "installing what $lock names into $environment"
install --require-hashes -r "$lock"
# pip refuses an editable install inside a hashed lock; its build backend is in the lock already.
install --no-deps --no-build-isolation -e .
