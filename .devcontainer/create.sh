#!/usr/bin/env bash
# The README's first command, and a browser for the tests of the page.
set -euo pipefail
cd "$(dirname "$0")/.."
make ocr
sudo apt-get update -qq
sudo apt-get install -y -qq --no-install-recommends chromium
