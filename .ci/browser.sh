#!/usr/bin/env bash
# Installs Chromium and its driver where that needs no password; says why when it does not.
set -euo pipefail

skip() { echo "no browser for the report's test: $1"; exit 0; }

command -v chromium >/dev/null && command -v chromedriver >/dev/null && exit 0
command -v apt-get >/dev/null || skip "install chromium and chromedriver; there is no apt-get here"
sudo=()
if [ "$(id -u)" -ne 0 ]; then
  sudo -n true 2>/dev/null || skip "run 'sudo apt-get install chromium chromium-driver'; this needs root"
  sudo=(sudo -n)
fi
export DEBIAN_FRONTEND=noninteractive
"${sudo[@]}" apt-get update -qq || skip "apt-get update failed"
"${sudo[@]}" apt-get install -y -qq --no-install-recommends chromium chromium-driver fonts-dejavu-core >/dev/null || skip "apt-get install failed"
