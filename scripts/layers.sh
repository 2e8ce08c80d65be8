#!/usr/bin/env bash
# Which crate may know which: arrows point from the binary to the gateway to the leaf crates, and the
# leaves know neither each other nor, where they are pure, any runtime.
set -euo pipefail
cd "$(dirname "$0")/.."
failed=0

# Fails if package $1 depends, directly or not, on any of the others in a normal build.
forbid() {
  local package=$1; shift
  local tree; tree="$(cargo tree --locked --quiet -e normal --prefix none --format '{p}' -p "$package" | cut -d' ' -f1 | sort -u)"
  # A tree without the package itself would mean that nothing was checked.
  grep -qx "$package" <<< "$tree" || { echo "error: cargo tree shows nothing of \`$package\`"; failed=1; return; }
  for other in "$@"; do
    if grep -qx "$other" <<< "$tree"; then
      echo "error: \`$package\` must not depend on \`$other\`: see \`cargo tree -e normal -p $package -i $other\`"
      failed=1
    fi
  done
}

LEAVES=(toolgate-policy toolgate-quota toolgate-journal toolgate-store toolgate-mcp)
for leaf in "${LEAVES[@]}"; do
  others=(toolgate-gateway toolgate imagegen-mcp)
  for other in "${LEAVES[@]}"; do [ "$other" = "$leaf" ] || others+=("$other"); done
  forbid "$leaf" "${others[@]}"
done
for pure in toolgate-json toolgate-policy toolgate-quota toolgate-journal toolgate-catalog; do forbid "$pure" tokio hyper axum; done
forbid toolgate-store toolgate-json hyper axum
forbid toolgate-sqlite toolgate-json toolgate-policy toolgate-journal toolgate-catalog toolgate-store toolgate-index toolgate-mcp toolgate-registry toolgate-gateway toolgate imagegen-mcp hyper axum
forbid toolgate-index toolgate-json toolgate-policy toolgate-quota toolgate-store toolgate-mcp toolgate-gateway toolgate imagegen-mcp hyper axum
# The catalogue speaks of policies: it checks that those it recommends can be loaded.
forbid toolgate-catalog toolgate-gateway toolgate toolgate-quota toolgate-journal toolgate-store toolgate-index toolgate-mcp imagegen-mcp utoipa
# Clients' files are read and edited without knowing what stands behind the gateway.
forbid toolgate-clients toolgate-json toolgate-policy toolgate-catalog toolgate-store toolgate-mcp toolgate-gateway toolgate imagegen-mcp tokio hyper axum
# The catalogue's entries are information: nothing of what is in force is known there.
forbid toolgate-registry toolgate-gateway toolgate toolgate-quota toolgate-journal toolgate-store toolgate-index toolgate-admin imagegen-mcp axum
# Below whatever connects to hosts that somebody else named: imagegen too, which knows nothing else of the workspace.
forbid toolgate-egress toolgate-json toolgate-policy toolgate-catalog toolgate-store toolgate-mcp toolgate-registry toolgate-gateway toolgate imagegen-mcp axum sqlx
forbid xtask toolgate-gateway toolgate imagegen-mcp
forbid toolgate-gateway toolgate clap rmcp imagegen-mcp
forbid toolgate-gateway toolgate-admin axum utoipa
forbid toolgate-admin toolgate clap rmcp imagegen-mcp
forbid toolgate rmcp imagegen-mcp
forbid imagegen-mcp toolgate-gateway toolgate
[ "$failed" = 0 ] && echo "dependencies point where they should"
exit "$failed"
