#!/usr/bin/env bash
# What a call through the gateway costs beside nginx and HAProxy in front of the same server, in one run.
# Needs wrk, nginx and haproxy, and the comparison program (BENCH_COMPARE names it).
set -euo pipefail
cd "$(dirname "$0")/.."
COMPARE="${BENCH_COMPARE:-../shared/bench/compare.py}"
UPSTREAM_PORT="${BENCH_UPSTREAM_PORT:-9101}" PORT="${BENCH_PORT:-9301}"
TOKEN=bench-token-of-22-characters

[ -f "$COMPARE" ] || { echo "error: the comparison program \`$COMPARE\` is not there: name it with BENCH_COMPARE"; exit 3; }
for program in wrk nginx haproxy curl; do
  PATH="$PATH:/usr/sbin" command -v "$program" >/dev/null \
    || { echo "error: \`$program\` is missing (Debian: apt-get install wrk nginx-light haproxy curl)"; exit 3; }
done

echo "== building the optimised gateway =="
make --no-print-directory release
BIN="${CARGO_TARGET_DIR:-target}/release/toolgate"
DIR="$(mktemp -d)"
pids=()
# Each process leads a group of its own, so that what it started ends with it.
stop() { for pid in "${pids[@]}"; do kill -- "-$pid" 2>/dev/null || true; done; wait 2>/dev/null || true; rm -rf "$DIR"; }
trap stop EXIT

# Waits until a URL answers at all; gives up when the process has ended.
until_up() {
  for _ in $(seq 600); do
    curl -s -o /dev/null "$1" && return
    kill -0 "$2" 2>/dev/null || { echo "error: the process behind $1 has ended"; exit 3; }
    sleep 0.1
  done
  echo "error: $1 does not answer"; exit 3
}

setsid python3 "$COMPARE" --only-start --upstream-port "$UPSTREAM_PORT" & pids+=($!)
until_up "http://127.0.0.1:$UPSTREAM_PORT/calls" $!

cat > "$DIR/policy.json" <<'JSON'
{"version": "1", "default": "deny", "tools": {"tool_1": {
  "deny_if": [{"conditions": [{"path": "args.n", "op": "gt", "value": 1000}], "on_deny": "too many"}],
  "limits": [{"counter": "calls", "window": "minute", "max": 1000000000, "scope": "grant"}]}}}
JSON
cat > "$DIR/toolgate.yaml" <<YAML
listen: 127.0.0.1:$PORT
console: 127.0.0.1:$((PORT + 1))
data_dir: data
workers: 1
servers: { mock: { url: "http://127.0.0.1:$UPSTREAM_PORT/mcp" } }
policies: { bench: policy.json }
grants: { bench: { token_env: BENCH_TOKEN, servers: { mock: bench } } }
YAML
BENCH_TOKEN="$TOKEN" setsid "$BIN" up --config "$DIR/toolgate.yaml" > "$DIR/out" 2> "$DIR/err" & gateway=$!
pids+=("$gateway")
until_up "http://127.0.0.1:$PORT/readyz" "$gateway"

memory() { awk '/VmRSS|VmHWM/ {printf "%s %.1f MB  ", $1, $2 / 1024} END {print ""}' "/proc/$gateway/status"; }
TARGET="toolgate=http://127.0.0.1:$PORT/mcp/mock,$gateway,$TOKEN"
echo "== memory of the gateway, idle: $(memory)"
echo "== sessions (revision 2025-06-18) =="
python3 "$COMPARE" --upstream-port "$UPSTREAM_PORT" --target "$TARGET" "$@"
echo "== stateless (revision 2026-07-28) =="
python3 "$COMPARE" --upstream-port "$UPSTREAM_PORT" --target "$TARGET" --modern "$@"
echo "== memory of the gateway, after: $(memory)"
