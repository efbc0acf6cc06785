# Sourced by the scripts beside it: the repository's folder, and virtual environments inside it.

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"

# make_env FOLDER PIP_ARGUMENT...: creates the virtual environment FOLDER in the repository, and installs these packages
# into it. Does nothing if it is up to date with these arguments and pyproject.toml. Sets $python to its interpreter.
make_env() {
    local env="$root/$1" base="${PYTHON:-python3}" wanted stamp
    shift
    python="$env/bin/python"
    stamp="$env/installed"
    wanted="$(printf '%s\n' "$root" "$@" && cat "$root/pyproject.toml")"
    if [[ -x "$python" && -f "$stamp" && "$(<"$stamp")" == "$wanted" ]]; then
        return
    fi
    if ! "$python" -m pip --version >/dev/null 2>&1; then
        if ! "$base" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "Python 3.11 or newer is required, but '$base' is: $("$base" --version 2>&1 | tail -n 1)" >&2
            echo "Set PYTHON to one, for example PYTHON=python3.12 $0" >&2
            return 1
        fi
        echo "Creating a virtual environment in $env"
        if ! "$base" -m venv --clear "$env"; then
            echo "The virtual environment can't be created. On Debian and Ubuntu: apt-get install python3-venv" >&2
            return 1
        fi
    fi
    echo "Installing into $env: ${*/#$root/.}"
    rm -f "$stamp"
    # Dependency groups need pip 25.1.
    pip_install --upgrade 'pip>=25.1'
    (cd "$root" && pip_install "$@")
    echo "$wanted" >"$stamp"
}

pip_install() {
    "$python" -m pip install -q --disable-pip-version-check --no-input "$@"
}

# The environment of the tests and checks: every extra, and the tools.
make_test_env() {
    make_env .venv -e '.[all]' --group dev
}

# The environment of the type checkers that scripts/check doesn't use. The tests use those that are installed.
make_checkers_env() {
    make_env .venv-checkers ty pyrefly basedpyright
}
