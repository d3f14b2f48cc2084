#!/usr/bin/env bash
# Measures `patient-http run` end to end, requests from a file to results in a file, each of them
# durable, against the bundled slow server; and wrk against the same server. docs/performance.md
# says how to read it.
#
#   bench/run_bench.sh [--count N] [--concurrency N] [--tls] [--durability full|normal]
#                      [--build FOLDER]
set -euo pipefail

count=50000
concurrency=256
tls=no
durability=full
build=$(cd "$(dirname "$0")/.." && pwd)/build/release
while [ $# -gt 0 ]; do
  case $1 in
    --count) count=$2; shift 2 ;;
    --concurrency) concurrency=$2; shift 2 ;;
    --tls) tls=yes; shift ;;
    --durability) durability=$2; shift 2 ;;
    --build) build=$2; shift 2 ;;
    *) sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
  esac
done
for program in patient-http slow-server; do
  if [ ! -x "$build/$program" ]; then
    echo "run_bench: $build/$program is missing: build it first" >&2
    exit 2
  fi
done

work=$(mktemp -d)
server=
end() {
  if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; fi
  rm -rf "$work"
}
trap end EXIT

server_options=(--max-seconds 900)
run_options=(--output "$work/out.jsonl" --concurrency "$concurrency" --durability "$durability")
if [ $tls = yes ]; then
  server_options+=(--tls --ca-file "$work/ca.pem")
  run_options+=(--ca-file "$work/ca.pem")
fi
mkfifo "$work/first-line"
"$build/slow-server" "${server_options[@]}" > "$work/first-line" &
server=$!
read -r _ _ url < "$work/first-line"

yes "{\"url\":\"$url/\"}" 2>/dev/null | head -n "$count" > "$work/in.jsonl" || true

# Runs a command, and prints its wall clock and CPU seconds: "3.2 1.9".
timed() {
  local TIMEFORMAT='%R %U %S'
  { time timeout 600 "$@" > "$work/stdout" 2> "$work/stderr"; } 2>&1 | awk '{print $1, $2 + $3}'
}

read -r ours_wall ours_cpu < <(timed "$build/patient-http" run "$work/in.jsonl" "${run_options[@]}")
lines=$(grep -c '"status":200' "$work/out.jsonl" || true)
if [ "${lines:-0}" -ne "$count" ]; then
  echo "run_bench: ${lines:-0} responses with status 200 for $count requests; the program said:" >&2
  tail -n 20 "$work/stderr" >&2
  exit 1
fi
echo "$count requests, $concurrency at once, tls: $tls, durability: $durability"
awk -v n="$count" -v wall="$ours_wall" -v cpu="$ours_cpu" 'BEGIN {
  printf "patient-http run  %8.0f requests/s durable  %6.1f us CPU per request\n",
         n / wall, cpu * 1e6 / n }'

if ! command -v wrk > /dev/null; then
  echo "wrk is not installed: no ratio"
  exit 0
fi
read -r _ wrk_cpu < <(timed wrk -t1 -c"$concurrency" -d5s --timeout 60s "$url/")
awk -v n="$count" -v wall="$ours_wall" -v cpu="$ours_cpu" -v wrk_cpu="$wrk_cpu" '
  / requests in / { done = $1 }
  /^Requests\/sec:/ { rate = $2 }
  END {
    wrk_us = wrk_cpu * 1e6 / done
    printf "wrk               %8.0f requests/s          %6.1f us CPU per request\n", rate, wrk_us
    printf "ours : wrk        %8.2f                     %6.2f\n",
           n / wall / rate, cpu * 1e6 / n / wrk_us
  }' "$work/stdout"
