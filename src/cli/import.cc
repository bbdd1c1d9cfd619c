// maru import: a model from outside becomes one of this home, with its origin on record.
#include "pipeline/import.h"

#include <fmt/format.h>

#include "base/json.h"
#include "cli/verbs.h"

namespace maru::cli {
namespace {

Json json_of(const pipeline::ImportResult& r) {
  Json json{{"name", r.name},
            {"path", r.path.string()},
            {"source", r.source},
            {"licence", r.licence},
            {"tensors", r.tensors}};
  if (r.is_adapter) json["changed"] = r.changed;
  json["copied"] = r.copied;
  return json;
}

std::string text_of(const pipeline::ImportResult& r) {
  return fmt::format("import       {}: {} tensors from {}, {}, weights {}{}", r.name, r.tensors, r.source,
                     r.licence.empty() ? "no licence found" : "licence " + r.licence,
                     r.copied ? "copied" : "left in place", r.is_adapter ? ", an adapter" : "");
}

}  // namespace

void add_import(CLI::App& app, Session& session) {
  CLI::App* verb = app.add_subcommand("import", "take a model from outside into this home, with its origin on record");
  auto a = std::make_shared<pipeline::ImportConfig>();
  verb->add_option("model", a->source, "a Hugging Face directory, a GGUF file, or a PEFT adapter's directory")
      ->required();
  verb->add_option("--name", a->name, "of the model here")->required();
  verb->add_option("--source", a->origin, "where it came from, for the record; default: the path");
  verb->add_option("--licence,--license", a->licence, "by name; default: from its README, licence file or metadata");
  verb->add_flag("--copy", a->copy, "copy the weights; without it they stay where they are and must not change");
  verb->add_flag("--force", a->force, "replace a model of this name");
  verb->footer(
      "Checks all that loading checks, hashes every tensor, and marks the model as foreign weights. Whatever is "
      "derived\n"
      "from it inherits that mark; `maru verify --from-scratch` shows it.");
  verb->callback([&session, a] {
    const pipeline::ImportResult result = pipeline::import_weights(session.workplace(), *a);
    session.answer(json_of(result), text_of(result));
  });
}

}  // namespace maru::cli
