// What every verb shares: where artefacts live, which threads and instructions to use, how to answer.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/json_fwd.h"
#include "base/thread_pool.h"
#include "tensor/dtype.h"
#include "tensor/stream.h"

namespace maru::cli {

struct Session {
  fs::path home;
  int threads = 0;
  std::string isa = "auto";
  bool json = false, quiet = false;

  ThreadPool& pool();
  Stream& stream();
  /// "avx512, 2 threads".
  std::string machine();
  /// Floating-point operations a second that this machine can do at most, measured now (a fraction of a second).
  double ceiling_flops(Dtype dtype);
  /// The one line (or object, with --json) a verb ends with, on standard output.
  void answer(const Json& machine_readable, const std::string& human) const;

  /// An artefact by name ("korean") or by path ("./runs/x"). Throws kNotFound, naming those that exist.
  fs::path find(const std::string& kind, const std::string& name_or_path) const;
  /// Where an artefact of this name lies or will lie. Throws kInvalidArgument for what cannot be a name
  /// (ledger/name.h), and for one that is not in Unicode's composed form: it would look like another.
  fs::path place(const std::string& kind, const std::string& name) const;
  /// Names of the artefacts of a kind, sorted.
  std::vector<std::string> names(const std::string& kind) const;
  /// Removes what killed processes left anywhere in this home.
  void remove_leftovers() const;

 private:
  std::unique_ptr<ThreadPool> pool_;
  std::unique_ptr<Stream> stream_;
};

/// MARU_HOME, else $XDG_DATA_HOME/maru, else ~/.local/share/maru; empty when none of them is set to an absolute path.
fs::path default_home();

/// A path as it was typed. Shells leave the ~ of `--home=~/x` and `inputs=~/x` as it is.
fs::path from_shell(const std::string& word);

/// A recipe file (or nothing) with "key=value" overrides.
Json read_recipe(const std::string& file, const std::vector<std::string>& overrides);

}  // namespace maru::cli
