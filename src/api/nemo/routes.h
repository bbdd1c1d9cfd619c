// NeMo microservices of generation 25.x, as far as NVIDIA's client speaks to them: base_url = http://SERVER/nemo.
#pragma once
#include <functional>

#include "http/router.h"
#include "platform/entities.h"

namespace maru::api::nemo {

inline constexpr std::string_view kPrefix = "/nemo/v1/";

/// Where entities are kept; called when one is asked for.
using Store = std::function<platform::Entities&()>;

void add_entity_routes(http::Router& router, Store store);

}  // namespace maru::api::nemo
