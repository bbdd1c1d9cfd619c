#include "catalogue/adapter.h"

#include "ledger/manifest.h"

namespace maru::catalogue {

NamedAdapter find_adapter(const Home& home, const std::string& text) {
  if (text.empty()) return {};
  const size_t equals = text.find('=');
  const bool whole =
      fs::exists(home.folder(Kind::kAdapter) / text / ledger::kManifestName) || fs::exists(text);  // a path with a '='
  const bool named = equals != std::string::npos && equals > 0 && !whole;
  return {named ? text.substr(0, equals) : "", home.find(Kind::kAdapter, named ? text.substr(equals + 1) : text)};
}

bool is_adapter(const fs::path& path) { return fs::is_directory(path) && fs::exists(path / kAdapterConfig); }

std::optional<fs::path> adapter_named(const Home& home, const std::string& name_or_path) {
  for (const fs::path& place : {home.folder(Kind::kAdapter) / name_or_path, fs::path(name_or_path)})
    if (is_adapter(place)) return place;
  return std::nullopt;
}

}  // namespace maru::catalogue
