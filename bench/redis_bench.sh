#!/usr/bin/env bash
# Measures a Service on Redis: against wrk and Debian's Sidekiq, on a redis-server of its own.
# docs/performance.md says how to read it.
#
#   bench/redis_bench.sh [--build FOLDER] [--without-sidekiq] [OPTION of redis_bench]...
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
build=$here/../build/release
options=(--sidekiq-worker "$here/sidekiq_worker.rb")
while [ $# -gt 0 ]; do
  case $1 in
    --build) build=$2; shift 2 ;;
    --without-sidekiq) options=("${options[@]:2}"); shift ;;
    --help) sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
    *) options+=("$1"); shift ;;
  esac
done
for program in redis_bench slow-server; do
  if [ ! -x "$build/$program" ]; then
    echo "redis_bench: $build/$program is missing: build it first" >&2
    exit 2
  fi
done
if ! command -v redis-server > /dev/null; then
  echo "redis_bench: redis-server is not installed" >&2
  exit 2
fi
exec "$build/redis_bench" "${options[@]}"
