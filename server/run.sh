#!/bin/sh
# Runs a program of the checkout with Node, after a look at whether this Node can run it at all: an older one would stop at the
# first word of TypeScript, and one of another C library would not be found. The scripts of package.json call it:
#   run.sh confined|plain FILE [ARGUMENTS]   run.sh check
# Confined: no core file, in which a password would be, and no debugger, which a signal would open.
say() {
  echo "$*" >&2
  exit 1
}
mode=$1
[ -d "${0%/*}/../node_modules" ] || say "The packages are not installed. Run: npm ci"
version=$(node --version 2>/dev/null) || {
  if ls /lib/ld-musl-* >/dev/null 2>&1; then
    say "The Node that npm has brought does not run on musl, as on Alpine. Use an image of Debian (node:24-slim); or run" \
      "npm ci --omit=optional with a Node 24 of your own, and set DATABASE_URL to a PostgreSQL."
  fi
  say "Node does not run here. Install Node 24 from https://nodejs.org, or run: npm ci --include=optional"
}
major=${version#v}
major=${major%%.*}
[ "$major" -ge 24 ] || say "Mooring requires Node 24 or newer, and this is Node ${version#v}. Install it from https://nodejs.org; on Linux" \
  "it comes as a package with: npm ci --include=optional"
[ "$mode" = check ] && exit 0
file=$2
shift 2
# Light (docs/benchmarks.md): MiB for objects that die young, a collection after the start, what threads have freed in one place of
# the C library, and code that is compiled once, not at each start. Whoever may write that folder may write the code itself.
[ "$file" = main.ts ] && young=4 || young=8
export NODE_OPTIONS="--max-semi-space-size=$young --expose-gc $NODE_OPTIONS" MALLOC_ARENA_MAX="${MALLOC_ARENA_MAX:-1}"
export NODE_COMPILE_CACHE="${NODE_COMPILE_CACHE:-${0%/*}/../node_modules/.cache/compiled}"
[ "$mode" = plain ] && exec node "${0%/*}/$file" "$@"
ulimit -c 0
exec node --disable-sigusr1 "${0%/*}/$file" "$@"
