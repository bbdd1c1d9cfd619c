// What programs made for other servers ask of a model: llama.cpp's /props, vLLM's /tokenizer_info and /load.
#pragma once
#include "http/router.h"
#include "serving/model_host.h"

namespace maru::api::nim {

/// `models` must outlive the router. `version`: of this program.
void add_model_probes(http::Router& router, const serving::ModelHost& models, const std::string& version);

}  // namespace maru::api::nim
