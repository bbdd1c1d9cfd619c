// For tests: a worker that is a script, and does what its job's config says.
#pragma once
#include <string>

#include "base/file.h"
#include "platform/worker_process.h"

namespace maru::platform {

/// Writes the script; "do" in a config is one of the words below, behind which lies what it does.
inline WorkerCommand script_worker(const fs::path& folder) {
  fs::create_directories(folder);
  write_file(folder / "worker.sh", R"sh(
dir=$1 attempt=$3
finish() {
  printf '{"attempt":%s,"outcome":"%s","code":"","message":"%s",' "$attempt" "$1" "$2" > "$dir/exit.new"
  printf '"results":["models/x"]}' >> "$dir/exit.new"
  mv "$dir/exit.new" "$dir/exit.json"
}
idle() { while :; do sleep 0.02; done; }
echo "attempt $attempt"
what=$(grep -o '"do": "[a-z-]*"' "$dir/job.json" | cut -d '"' -f 4)
if [ "$what" = deaf ]; then trap '' TERM; else trap 'finish cancelled; exit' TERM; fi
: > "$dir/started.$attempt"
case $what in
  ok) finish completed ;;
  fail) finish error "line 3 is bad"; exit 1 ;;
  crash) echo "about to fall" >&2; kill -9 $$ ;;
  crash-once) [ "$attempt" = 1 ] && kill -9 $$; finish completed ;;
  exit) exit 5 ;;
  wait) idle ;;
  wait-once) [ "$attempt" = 1 ] && idle; finish completed ;;
  until) while [ ! -e "$dir/go" ]; do sleep 0.02; done; finish completed ;;
  deaf) idle ;;
  stop) kill -STOP $$; finish completed ;;
  linger) finish completed; idle ;;
  fork) sleep 1000 & echo $! > "$dir/forked"; kill -9 $$ ;;
  facts) { echo "args $*"; env; ls -l /proc/$$/fd; } > "$dir/facts"; finish completed ;;
esac
)sh");
  return {.program = "/bin/sh", .arguments = {(folder / "worker.sh").string()}};
}

}  // namespace maru::platform
