// PEFT adapters on the command line: finding one, taking one into this home.
#pragma once
#include <optional>
#include <string>

#include "base/file.h"
#include "base/json_fwd.h"
#include "cli/session.h"

namespace CLI {
class App;
}

namespace maru::cli {

/// What --adapter says: a name of this home or a directory, or NAME= before either.
struct AdapterArgument {
  std::string name;    // as given, else empty
  fs::path directory;  // empty: no adapter
};
void add_adapter_option(CLI::App* verb, std::string& text);
/// Throws kNotFound, naming the adapters of this home.
AdapterArgument find_adapter(const Session& session, const std::string& text);

/// A directory with adapter_config.json.
bool is_adapter(const fs::path& path);
/// The directory of an adapter of this home, or of an adapter by path; nothing for anything else.
std::optional<fs::path> adapter_named(const Session& session, const std::string& name_or_path);

/// How `maru import` registers an adapter: as adapters/NAME of this home, with the mark of foreign weights.
struct AdapterImport {
  fs::path source;
  std::string name, origin, licence;  // where it came from and its licence; empty: the directory, and what it says
  bool copy = false, force = false;
};
/// Throws   what formats::LoraAdapter throws; kExists for a name that is taken.
Json import_adapter(Session& session, const AdapterImport& import);

}  // namespace maru::cli
