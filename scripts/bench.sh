#!/usr/bin/env bash
# What a call through the gateway costs beside nginx and HAProxy in front of the same server, in one run.
# Needs wrk, nginx and haproxy, and the comparison program (BENCH_COMPARE names it).
# With BENCH_INDEX=both there are two gateways, one with the audit index and one without, so that their CPU can be
# compared; with BENCH_INDEX=off there is one without.
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
# Starts a gateway on a port and the next, with the audit index or without, and adds it to what is compared.
TARGETS=() GATEWAYS=()
start() {
  local name="$1" port="$2" index="$3"
  cat > "$DIR/$name.yaml" <<YAML
listen: 127.0.0.1:$port
console: 127.0.0.1:$((port + 1))
data_dir: $name
workers: 1
index: { enabled: $index }
servers: { mock: { url: "http://127.0.0.1:$UPSTREAM_PORT/mcp" } }
policies: { bench: policy.json }
grants: { bench: { token_env: BENCH_TOKEN, servers: { mock: bench } } }
YAML
  BENCH_TOKEN="$TOKEN" setsid "$BIN" up --config "$DIR/$name.yaml" > "$DIR/$name.out" 2> "$DIR/$name.err" & local pid=$!
  pids+=("$pid")
  until_up "http://127.0.0.1:$port/readyz" "$pid"
  TARGETS+=(--target "$name=http://127.0.0.1:$port/mcp/mock,$pid,$TOKEN")
  GATEWAYS+=("$name $pid")
}
case "${BENCH_INDEX:-on}" in
  on) start toolgate "$PORT" true ;;
  off) start toolgate-no-index "$PORT" false ;;
  both) start toolgate "$PORT" true; start toolgate-no-index "$((PORT + 2))" false ;;
  *) echo "error: BENCH_INDEX is \`$BENCH_INDEX\`: write \`on\`, \`off\` or \`both\`"; exit 3 ;;
esac

memory() {
  for gateway in "${GATEWAYS[@]}"; do
    read -r name pid <<< "$gateway"
    awk -v name="$name" '/VmRSS|VmHWM/ {printf "%s %s %.1f MB  ", name, $1, $2 / 1024}' "/proc/$pid/status"
  done
}
echo "== memory, idle: $(memory)"
echo "== sessions (revision 2025-06-18) =="
python3 "$COMPARE" --upstream-port "$UPSTREAM_PORT" "${TARGETS[@]}" "$@"
echo "== stateless (revision 2026-07-28) =="
python3 "$COMPARE" --upstream-port "$UPSTREAM_PORT" "${TARGETS[@]}" --modern "$@"
echo "== memory, after: $(memory)"
