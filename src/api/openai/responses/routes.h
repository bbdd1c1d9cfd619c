// The routes under /v1/responses.
#pragma once
#include "http/router.h"
#include "serving/choice_limits.h"
#include "serving/model_host.h"

namespace maru::api::openai {

/// Both must outlive the router.
void add_response_routes(http::Router& router, const serving::ModelHost& models, serving::ChoiceLimits& limits);

}  // namespace maru::api::openai
