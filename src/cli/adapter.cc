#include "cli/adapter.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "base/json.h"
#include "cli/foreign.h"
#include "cli/inspection.h"
#include "formats/lora.h"
#include "ledger/artefact_writer.h"

namespace maru::cli {
namespace {

constexpr const char* kConfig = "adapter_config.json";
constexpr const char* kWeights = "adapter_model.safetensors";

bool is_there(const Session& session, const std::string& name_or_path) {
  return fs::exists(session.home / "adapters" / name_or_path / ledger::kManifestName) || fs::exists(name_or_path);
}

}  // namespace

void add_adapter_option(CLI::App* verb, std::string& text) {
  verb->add_option("--adapter", text, "a PEFT adapter by name or directory, used beside the weights; NAME=… names it");
}

AdapterArgument find_adapter(const Session& session, const std::string& text) {
  if (text.empty()) return {};
  const size_t equals = text.find('=');
  const bool named = equals != std::string::npos && equals > 0 && !is_there(session, text);
  const std::string what = named ? text.substr(equals + 1) : text;
  return {named ? text.substr(0, equals) : "", session.find("adapters", what)};
}

bool is_adapter(const fs::path& path) { return fs::is_directory(path) && fs::exists(path / kConfig); }

std::optional<fs::path> adapter_named(const Session& session, const std::string& name_or_path) {
  for (const fs::path& place : {session.home / "adapters" / name_or_path, fs::path(name_or_path)})
    if (is_adapter(place)) return place;
  return std::nullopt;
}

Json import_adapter(Session& session, const AdapterImport& a) {
  const fs::path output = session.place("adapters", a.name);
  if (fs::exists(a.source / ledger::kManifestName))
    throw Failure(
        ErrorCode::kInvalidArgument,
        a.source.string() + ": is an artefact already; use it by its path, so that its history stays with it");
  if (fs::exists(output) && !a.force)
    throw Failure(ErrorCode::kExists,
                  "adapters: \"" + a.name + "\" exists; give another --name, or --force to replace it");
  ledger::ArtefactWriter writer(output);
  const size_t changed = formats::LoraAdapter(a.source).targets().size();
  const std::string licence = a.licence.empty() ? find_licence(a.source).name : a.licence;
  const std::string origin = a.origin.empty() ? a.source.string() : a.origin;
  ledger::Manifest manifest{.kind = "adapter", .name = a.name};
  manifest.recipe = {{"verb", "import"}, {"source", a.source.string()}, {"copy", a.copy}};
  manifest.foreign = {foreign_origin(a.source / kWeights, a.name, origin, licence, session.quiet)};
  const size_t tensors = manifest.foreign.front().tensors.size();
  write_file(writer.directory() / kConfig, read_file(a.source / kConfig));
  if (fs::exists(a.source / "README.md")) fs::copy_file(a.source / "README.md", writer.directory() / "README.md");
  if (a.copy)
    fs::copy_file(a.source / kWeights, writer.directory() / kWeights);
  else
    fs::create_symlink(fs::canonical(a.source / kWeights), writer.directory() / kWeights);
  writer.commit(std::move(manifest));
  return {{"name", a.name},     {"path", output.string()}, {"source", origin}, {"licence", licence},
          {"tensors", tensors}, {"changed", changed},      {"copied", a.copy}};
}

}  // namespace maru::cli
