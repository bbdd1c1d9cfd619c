// What is written: preupload (how a file is to be brought), commits, and the large objects that they refer to.
#pragma once
#include "http/router.h"
#include "platform/file_store.h"

namespace maru::api::hub {

/// Files up to `inline_bytes`, all of one question together, are to come within the commit. The store must outlive the
/// router.
void add_commit_routes(http::Router& router, platform::FileStore& store, int64_t inline_bytes);
void add_object_routes(http::Router& router, platform::FileStore& store);

}  // namespace maru::api::hub
