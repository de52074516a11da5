#!/usr/bin/env bash
# Sees to what pip cannot bring. Each argument is one thing to have afterwards:
#
#   venv       .venv, a virtual environment of Python 3.11 or newer ($PYTHON, or the first found)
#   chromium   a Chromium for the browser checks
#   redis      redis-server, for this project's own tests
#   pgbouncer  pgbouncer, for this project's own tests
#   node       Node and npm, for Prisma in this project's own tests
#   prometheus prometheus and alertmanager, for the same; their services are not started
#
# What is there is left alone. As root on Debian and its kin the missing package is installed;
# otherwise the script says what to install and fails.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'setup: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }
on_path() { command -v "$@" >/dev/null 2>&1; }

apt_install() {  # PACKAGE; fails where this user may not, or there is no such package
  [ "$(id -u)" -eq 0 ] && on_path apt-get || return 1
  say "installing the package $1"
  export DEBIAN_FRONTEND=noninteractive
  { apt-get -qq update && apt-get -qq install --yes --no-install-recommends "$1"; } >&2
}

is_new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() {
  local candidate
  for candidate in ${PYTHON:-python3.11 python3.12 python3.13 python3.14 python3}; do
    if is_new_enough "$candidate"; then echo "$candidate"; return; fi
  done
  die "no Python 3.11 or newer among: ${PYTHON:-python3.11 to python3.14, python3}." \
    "Install one, or name it: make PYTHON=/path/to/python"
}

ensure_venv() {
  if [ -x .venv/bin/pip ] && is_new_enough .venv/bin/python; then return; fi
  local python package
  python=$(find_python)
  # Debian splits ensurepip off into a package of its own.
  if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    package=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    apt_install "$package" || die "$python cannot make virtual environments." \
      "Install its venv module (Debian, Ubuntu: apt-get install $package) and run make again."
  fi
  say "creating .venv with $("$python" --version)"
  "$python" -m venv --clear .venv
}

playwright_has_chromium() {
  .venv/bin/python - <<'PYTHON'
import pathlib
import sys
from playwright.sync_api import sync_playwright

with sync_playwright() as playwright:
    sys.exit(not pathlib.Path(playwright.chromium.executable_path).exists())
PYTHON
}

ensure_chromium() {
  local name
  for name in chromium chromium-browser google-chrome google-chrome-stable; do
    if on_path "$name" && "$name" --version >/dev/null 2>&1; then return; fi
  done
  if playwright_has_chromium; then return; fi
  # Where the package is only a pointer to a snap (Ubuntu), it brings no browser that starts.
  if apt_install chromium && chromium --version >/dev/null 2>&1; then return; fi
  say "no Chromium package here: downloading Playwright's own"
  .venv/bin/playwright install chromium >&2 || die "no Chromium: install one" \
    "(Debian: apt-get install chromium) or let 'playwright install chromium' reach its host."
}

ensure_redis() {
  if on_path redis-server; then return; fi
  apt_install redis-server || die "the tests need a redis-server:" \
    "install one (Debian: apt-get install redis-server; macOS: brew install redis)."
}

# The packages' services would start and listen on every address: only the programs are wanted.
install_without_services() {  # PACKAGE...
  local policy=/usr/sbin/policy-rc.d is_ours='' name status=0
  [ "$(id -u)" -eq 0 ] && on_path apt-get || return 1
  if [ ! -e "$policy" ]; then
    is_ours=yes
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
  fi
  for name in "$@"; do
    { apt_install "$name" && { ! on_path update-rc.d || update-rc.d "$name" disable >&2; }; } || status=1
  done
  [ -z "$is_ours" ] || rm -f "$policy"
  return "$status"
}

ensure_prometheus() {
  local name missing=()
  for name in prometheus prometheus-alertmanager; do
    on_path "$name" || on_path "${name#prometheus-}" || missing+=("$name")
  done
  if [ "${#missing[@]}" -eq 0 ]; then return; fi
  install_without_services "${missing[@]}" || die "the tests need ${missing[*]}: install them" \
    "(Debian: apt-get install ${missing[*]}; macOS: brew install prometheus alertmanager)."
}

ensure_pgbouncer() {
  if on_path pgbouncer || [ -x /usr/sbin/pgbouncer ]; then return; fi
  apt_install pgbouncer || die "the tests need a pgbouncer:" \
    "install one (Debian: apt-get install pgbouncer; macOS: brew install pgbouncer)."
}

ensure_node() {
  if on_path node && on_path npm; then return; fi
  { apt_install nodejs && apt_install npm; } || die "the tests need Node and npm:" \
    "install them (Debian: apt-get install nodejs npm; macOS: brew install node)."
}

for thing in "$@"; do
  case "$thing" in
    venv | chromium | redis | pgbouncer | node | prometheus) "ensure_$thing" ;;
    *) die "unknown: $thing (venv, chromium, redis, pgbouncer, node, prometheus)" ;;
  esac
done
