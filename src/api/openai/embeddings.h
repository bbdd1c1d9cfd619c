// Texts as vectors (OpenAI's and NIM's /v1/embeddings) and in the order in which they answer a query (NIM's
// /v1/ranking, Jina's and Cohere's /v1/rerank).
#pragma once
#include <vector>

#include "http/request_fields.h"
#include "http/router.h"
#include "serving/choice_limits.h"
#include "serving/model_host.h"

namespace maru::api::openai {

/// What the bodies of these routes may hold.
std::vector<const http::BodyFields*> encoder_fields();

void add_encoder_routes(http::Router& router, const serving::ModelHost& models, serving::ChoiceLimits& limits);

}  // namespace maru::api::openai
