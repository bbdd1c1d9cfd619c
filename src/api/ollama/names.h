// Ollama's clients put a tag behind the name of a model, and take "name" and "name:latest" for the same.
#pragma once
#include <string>

#include "base/principal.h"
#include "serving/model_host.h"

namespace maru::api::ollama {

/// As models are listed: with ":latest" where the id has no tag.
std::string listed_name(const std::string& id);

/// The id of the model that a request names.
///
/// Throws   RequestFailure: no name.
std::string id_of(const std::string& name, const serving::ModelHost& models, const Principal& principal);

}  // namespace maru::api::ollama
