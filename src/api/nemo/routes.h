// NeMo microservices of generation 25.x, as far as NVIDIA's client speaks to them: base_url = http://SERVER/nemo.
#pragma once
#include <string_view>

#include "http/router.h"
#include "platform/home_database.h"

namespace maru::api::nemo {

inline constexpr std::string_view kPrefix = "/nemo/v1/";

/// The home must outlive the router.
void add_namespace_routes(http::Router& router, platform::HomeDatabase& home);
void add_entity_routes(http::Router& router, platform::HomeDatabase& home);

}  // namespace maru::api::nemo
