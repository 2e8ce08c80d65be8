#!/usr/bin/env bash
# Installs what tests and checks need into .tools/, pinned. A stamp makes a second run quick.
# Usage: scripts/tools.sh [python] [node] [deny]
set -euo pipefail
cd "$(dirname "$0")/.."
TOOLS=.tools
DENY_VERSION=0.20.2
mkdir -p "$TOOLS"

fail() { echo "error: $*" >&2; exit 3; }

# The stamp names what was installed: a changed pin installs anew.
stamped() { [ -f "$TOOLS/$1.stamp" ] && [ "$(cat "$TOOLS/$1.stamp")" = "$2" ]; }
stamp() { echo "$2" > "$TOOLS/$1.stamp"; }
digest() { cat "$@" | sha256sum | cut -c1-16; }

python_tools() {
  python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
    || fail "Python 3.11 or newer is needed (python3 is missing or older)"
  local pin; pin="$(digest tests/e2e/requirements.txt)-$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')"
  stamped python "$pin" && return
  echo "== installing Python packages (tests/e2e/requirements.txt) into $TOOLS/python =="
  rm -rf "$TOOLS/python"
  python3 -m venv "$TOOLS/python" || fail "python3 has no venv module (Debian: apt-get install python3-venv)"
  "$TOOLS/python/bin/pip" install --quiet --disable-pip-version-check --no-deps -r tests/e2e/requirements.txt
  stamp python "$pin"
}

node_tools() {
  node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 20 ? 1 : 0)' 2>/dev/null \
    || fail "Node.js 20 or newer is needed (node is missing or older)"
  local pin; pin="$(digest tests/e2e/node/package-lock.json)"
  stamped node "$pin" && return
  echo "== installing npm packages (tests/e2e/node/package-lock.json) into $TOOLS/node =="
  rm -rf "$TOOLS/node"
  mkdir -p "$TOOLS/node"
  cp tests/e2e/node/package.json tests/e2e/node/package-lock.json "$TOOLS/node/"
  (cd "$TOOLS/node" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error)
  stamp node "$pin"
}

deny_tool() {
  stamped deny "$DENY_VERSION" && [ -x "$TOOLS/bin/cargo-deny" ] && return
  echo "== building cargo-deny $DENY_VERSION into $TOOLS/bin (some minutes, once) =="
  CARGO_TARGET_DIR="$TOOLS/deny-build" cargo install --quiet --locked --debug --root "$TOOLS" cargo-deny --version "$DENY_VERSION"
  rm -rf "$TOOLS/deny-build"
  stamp deny "$DENY_VERSION"
}

[ "$#" -gt 0 ] || set -- python node
for tool in "$@"; do
  case "$tool" in
    python) python_tools ;;
    node) node_tools ;;
    deny) deny_tool ;;
    *) fail "unknown tool \`$tool\`: python, node or deny" ;;
  esac
done
