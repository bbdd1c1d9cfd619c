// Texts as vectors: /api/embed, and /api/embeddings before it.
#pragma once
#include "http/router.h"
#include "serving/choice_limits.h"
#include "serving/model_host.h"

namespace maru::api::ollama {

void add_embed_routes(http::Router& router, const serving::ModelHost& models, serving::ChoiceLimits& limits);

}  // namespace maru::api::ollama
