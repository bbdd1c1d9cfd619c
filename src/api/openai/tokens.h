// Prompts as tokens, without an answer: vLLM's /tokenize and /detokenize, and what a chat or a completion would be
// asked with (/v1/chat/completions/render, /v1/completions/render).
#pragma once
#include "http/router.h"
#include "serving/model_host.h"

namespace maru::api::openai {

void add_token_routes(http::Router& router, const serving::ModelHost& models);

}  // namespace maru::api::openai
