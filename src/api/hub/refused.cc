#include <fmt/format.h>

#include <array>

#include "api/hub/error.h"
#include "api/hub/names.h"
#include "api/hub/repositories.h"
#include "base/request_failure.h"

namespace maru::api::hub {
namespace {

using http::Method;

struct Refused {
  Method method;
  const char* pattern;  // below a repository
  const char* message;
};

constexpr std::array kOfRepositories{
    Refused{Method::kGet, "/xet-write-token/{revision*}",
            "this server has no Xet storage: set HF_HUB_DISABLE_XET=1 to bring files of more than 256 MiB together"},
    Refused{Method::kGet, "/xet-read-token/{revision*}", "this server has no Xet storage: set HF_HUB_DISABLE_XET=1"},
    Refused{Method::kPost, "/branch/{name*}", "repositories here have one branch, main"},
    Refused{Method::kDelete, "/branch/{name*}", "repositories here have one branch, main"},
    Refused{Method::kPost, "/tag/{revision*}", "repositories here have no tags: a commit is named by its hash"},
    Refused{Method::kDelete, "/tag/{name*}", "repositories here have no tags: a commit is named by its hash"},
    Refused{Method::kPost, "/super-squash/{name*}", "commits here stay as they are"},
    Refused{Method::kPut, "/settings", "repositories here have no settings: who may do what is said by keys"},
    Refused{Method::kPost, "/lfs-files/duplicate",
            "files are not copied from one repository to another here: bring them"},
    Refused{Method::kPost, "/discussions", "repositories here have no discussions and no pull requests"},
    Refused{Method::kGet, "/discussions", "repositories here have no discussions and no pull requests"}};

void refuse_route(http::Router& router, Method method, std::string pattern, const char* message, bool reads) {
  router.add({.method = method,
              .pattern = std::move(pattern),
              .handler = [message](const http::Request&, const http::Wake&) -> http::Reply {
                throw Failure(ErrorCode::kUnimplemented, message);
              },
              .cost = http::Cost::kQuick,
              .scope = reads ? "read" : "write",
              .dialect = &kDialect,
              .doc = "refused with 501"});
}

/// Of a repository without a namespace, as "gpt2", which there are none of here.
http::Reply nowhere(const http::Request& request) {
  throw RequestFailure(
      ErrorCode::kNotFound,
      fmt::format("{}: there is no such repository; here they are called NAMESPACE/NAME", request.arguments.at(0)),
      "repository", "");
}

}  // namespace

void add_refused_routes(http::Router& router) {
  for (const char* kind : {kDatasets, kModels})
    for (const Refused& one : kOfRepositories)
      refuse_route(router, one.method, fmt::format("{}/api/{}/{{space}}/{{name}}{}", kPrefix, kind, one.pattern),
                   one.message, one.method == Method::kGet);
  refuse_route(router, Method::kPost, fmt::format("{}/api/repos/move", kPrefix),
               "repositories here keep their names: make another one", false);
  for (const char* pattern : {"/api/datasets/{name}", "/api/models/{name}", "/api/datasets/{name}/revision/{revision}",
                              "/api/models/{name}/revision/{revision}", "/datasets/{name}/resolve/{revision}/{path*}",
                              "/{name}/resolve/{revision}/{path*}"})
    router.add({.pattern = std::string(kPrefix) + pattern,
                .handler = [](const http::Request& r, const http::Wake&) { return nowhere(r); },
                .cost = http::Cost::kQuick,
                .dialect = &kDialect,
                .doc = "404: repositories have a namespace here"});
}

}  // namespace maru::api::hub
