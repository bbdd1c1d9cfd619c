// The routes /v1/messages and /v1/messages/count_tokens.
#pragma once
#include "http/router.h"
#include "serving/choice_limits.h"
#include "serving/model_host.h"

namespace maru::api::anthropic {

/// Both must outlive the router.
void add_routes(http::Router& router, const serving::ModelHost& models, serving::ChoiceLimits& limits);

}  // namespace maru::api::anthropic
