// Hugging Face's hub, as far as its clients need it to bring files and fetch them: HF_ENDPOINT=http://SERVER/v1/hf.
#pragma once
#include "http/router.h"
#include "platform/file_store.h"

namespace maru::api::hub {

/// Files up to `inline_bytes` together come within a commit, what is more as objects. Clients with Xet, which is their
/// default, know no objects, so it should be high; what comes within a commit stands in the client's memory, so it
/// should not be too high. The store must outlive the router.
void add_routes(http::Router& router, platform::FileStore& store, int64_t inline_bytes);

}  // namespace maru::api::hub
