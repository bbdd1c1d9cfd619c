#include "api/hub/routes.h"

#include "api/hub/commits.h"
#include "api/hub/files.h"
#include "api/hub/repositories.h"

namespace maru::api::hub {

void add_routes(http::Router& router, platform::FileStore& store, int64_t inline_bytes) {
  add_repository_routes(router, store);
  add_file_routes(router, store);
  add_commit_routes(router, store, inline_bytes);
  add_object_routes(router, store);
  add_refused_routes(router);  // last: where a repository's name could be "resolve", it comes first
}

}  // namespace maru::api::hub
