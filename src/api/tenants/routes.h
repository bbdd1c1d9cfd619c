// The routes below /v1/maru by which a workspace's people run it: projects, members, keys, secrets; by which the
// operator makes and deletes workspaces; the audit of all that; what is used, and how much may be.
//
// A workspace that is not the key's own is answered as one that is not there, before anything is looked up.
#pragma once
#include "base/file.h"
#include "http/router.h"
#include "platform/home_database.h"
#include "platform/home_keys.h"
#include "platform/metering.h"

namespace maru::api::tenants {

/// All must outlive the router.
void add_workspace_routes(http::Router& router, platform::HomeDatabase& home, platform::HomeKeys& keys);
void add_key_routes(http::Router& router, platform::HomeDatabase& home, platform::HomeKeys& keys);
void add_audit_routes(http::Router& router, platform::HomeDatabase& home);
/// `key_file`: what secrets are sealed with; empty: a file of the home.
void add_secret_routes(http::Router& router, platform::HomeDatabase& home, const fs::path& key_file);
/// Also quotas.
void add_usage_routes(http::Router& router, platform::HomeDatabase& home, platform::Metering& metering);

}  // namespace maru::api::tenants
