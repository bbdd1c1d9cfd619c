// The routes under /api.
#pragma once
#include "http/router.h"
#include "serving/choice_limits.h"
#include "serving/model_host.h"

namespace maru::api::ollama {

/// Both must outlive the router.
void add_routes(http::Router& router, const serving::ModelHost& models, serving::ChoiceLimits& limits);

}  // namespace maru::api::ollama
