#!/usr/bin/env bash
# Installs redis-server where that needs no password; says why when it does not. Tests start their own: none runs here.
set -euo pipefail

skip() { echo "no redis-server for the shared ledger's tests: $1"; exit 0; }

command -v redis-server >/dev/null && exit 0
command -v apt-get >/dev/null || skip "install redis-server; there is no apt-get here"
sudo=()
if [ "$(id -u)" -ne 0 ]; then
  sudo -n true 2>/dev/null || skip "run 'sudo apt-get install redis-server'; this needs root"
  sudo=(sudo -n)
fi
export DEBIAN_FRONTEND=noninteractive
"${sudo[@]}" apt-get update -qq || skip "apt-get update failed"
"${sudo[@]}" apt-get install -y -qq --no-install-recommends redis-server >/dev/null || skip "apt-get install failed"
