// What every verb shares: where artefacts live, which threads and instructions to use, how to answer.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/json_fwd.h"
#include "catalogue/home.h"
#include "cli/terminal.h"
#include "pipeline/workplace.h"

namespace maru::cli {

using catalogue::Kind;

struct Session {
  fs::path home;
  int threads = 0;
  std::string isa = "auto";
  bool json = false, quiet = false;

  /// Its threads and instructions, as the options say.
  pipeline::Machine& machine();
  /// What a stage works with, in this home, on this terminal, stopped by Ctrl-C.
  pipeline::Workplace workplace();
  /// The one line (or object, with --json) a verb ends with, on standard output.
  void answer(const Json& machine_readable, const std::string& human) const;

  /// What lies in this home.
  catalogue::Home catalogue() const { return catalogue::Home(home); }
  fs::path find(Kind kind, const std::string& name_or_path) const { return catalogue().find(kind, name_or_path); }
  fs::path place(Kind kind, const std::string& name) const { return catalogue().place(kind, name); }

 private:
  std::unique_ptr<pipeline::Machine> machine_;
  std::unique_ptr<Terminal> terminal_;
};

/// MARU_HOME, else $XDG_DATA_HOME/maru, else ~/.local/share/maru; empty when none of them is set to an absolute path.
fs::path default_home();

/// A path as it was typed. Shells leave the ~ of `--home=~/x` and `inputs=~/x` as it is.
fs::path from_shell(const std::string& word);

/// A recipe file (or nothing) with "key=value" overrides.
Json read_recipe(const std::string& file, const std::vector<std::string>& overrides);

}  // namespace maru::cli
