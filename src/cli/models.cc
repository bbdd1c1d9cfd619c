// maru models: what is registered. A directory of models/ with a manifest is a registered model.
#include <fmt/format.h>

#include "base/json.h"
#include "base/progress.h"
#include "cli/verbs.h"
#include "ledger/manifest.h"
#include "models/config.h"
#include "models/weight_source.h"

namespace maru::cli {
namespace {

Json describe_model(const fs::path& directory) {
  const ledger::Manifest manifest = ledger::read_manifest(directory);
  const StoredConfig stored = read_stored_config(directory);
  const DecoderConfig config = config_from_hugging_face(stored.json, stored.name);
  Json row{{"id", directory.filename().string()},
           {"parameters", count_parameters(config)},
           {"context_length", config.max_position_embeddings},
           {"dtype", stored.json.value("torch_dtype", "float32")},
           {"code_version", manifest.code_version},
           {"path", directory.string()}};
  if (fs::exists(directory / "evaluation" / "evaluation.json")) {
    const Json evaluation = read_json(directory / "evaluation" / "evaluation.json");
    row["bits_per_byte"] = evaluation.value("/bits_per_byte/held_out/value"_json_pointer, Json());
  }
  return row;
}

// One damaged model hides no other.
Json describe_or_say(const fs::path& directory) {
  try {
    return describe_model(directory);
  } catch (const Failure& e) {
    return {{"id", directory.filename().string()}, {"path", directory.string()}, {"error", e.what()}};
  }
}

std::string line_of(const Json& row) {
  if (row.contains("error"))
    return fmt::format("{:<20} {}", row["id"].get<std::string>(), row["error"].get<std::string>());
  const std::string bits = row.contains("bits_per_byte") && row["bits_per_byte"].is_number()
                               ? fmt::format("{:.3f} bits per byte", row["bits_per_byte"].get<double>())
                               : "not evaluated";
  return fmt::format("{:<20} {:>9} parameters  context {:<6} {:<9} {}", row["id"].get<std::string>(),
                     short_count(row["parameters"].get<double>()), row["context_length"].get<int64_t>(),
                     row["dtype"].get<std::string>(), bits);
}

}  // namespace

void add_models(CLI::App& app, Session& session) {
  CLI::App* verb = app.add_subcommand("models", "list the models of this home");
  verb->callback([&session] {
    Json rows = Json::array();
    std::string text;
    for (const std::string& name : session.catalogue().names(Kind::kModel)) {
      rows.push_back(describe_or_say(session.catalogue().folder(Kind::kModel) / name));
      text += (text.empty() ? "" : "\n") + line_of(rows.back());
    }
    session.answer(rows, text.empty() ? "no models yet; `maru up` makes one" : text);
  });
}

}  // namespace maru::cli
