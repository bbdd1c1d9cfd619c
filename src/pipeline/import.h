// The stage that takes a model or an adapter from outside into a home, with its origin on record and the mark of
// foreign weights.
#pragma once
#include "base/fields.h"
#include "pipeline/workplace.h"

namespace maru::pipeline {

struct ImportConfig {
  std::string source, name, origin, licence;
  bool copy = false, force = false;
  static constexpr auto fields() {
    using C = ImportConfig;
    return std::tuple{
        field("source", &C::source, "a Hugging Face directory, a GGUF file, or a PEFT adapter's directory"),
        field("name", &C::name, "of the model or adapter here"),
        field("origin", &C::origin, "where it came from, for the record; empty: the path"),
        field("licence", &C::licence, "by name; empty: what its files say"),
        field("copy", &C::copy, "copy the weights; without it they stay where they are and must not change"),
        field("force", &C::force, "replace one of this name")};
  }
};

struct ImportResult {
  std::string name, source, licence;  // licence: empty where none was found
  fs::path path;
  int64_t tensors = 0;
  bool copied = false, is_adapter = false;
  int64_t changed = 0;  // by an adapter: tensors of its model
};

/// A directory with adapter_config.json becomes adapters/NAME, anything else models/NAME.
///
/// Throws   what loading throws; kExists for a name that is taken; kInvalidArgument for an artefact.
ImportResult import_weights(const Workplace&, const ImportConfig&);

}  // namespace maru::pipeline
