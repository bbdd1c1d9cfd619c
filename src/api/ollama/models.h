// What is served, as Ollama's clients list and look at it.
#pragma once
#include "base/json.h"
#include "serving/model_host.h"

namespace maru::api::ollama {

/// {"models": […]} of what this principal may ask; `running`: with what /api/ps adds.
Json list_models(const serving::ModelHost& models, const Principal& principal, bool running);
/// Template, details, capabilities.
///
/// Throws   RequestFailure "model_not_found".
Json show_model(const serving::ModelHost& models, const std::string& name, const Caller& caller);

}  // namespace maru::api::ollama
