// Repositories themselves: made, deleted, described, listed; their commits and branches; who asks.
#pragma once
#include "http/router.h"
#include "platform/file_store.h"

namespace maru::api::hub {

/// The store must outlive the router.
void add_repository_routes(http::Router& router, platform::FileStore& store);
/// What clients can ask for and this server does not do, each refused by name.
void add_refused_routes(http::Router& router);

}  // namespace maru::api::hub
