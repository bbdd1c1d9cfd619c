// What the routes of a workspace share: who asks, of which workspace, and pages of answers.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/fields.h"
#include "base/principal.h"
#include "http/http.h"
#include "http/json_body.h"

namespace maru::api::tenants {

inline constexpr const char *kWorkspaces = "/v1/maru/workspaces", *kWorkspace = "/v1/maru/workspaces/{workspace}";

/// Without a key: the operator.
Principal actor_of(const http::Request& request);
/// That of the route's first argument.
///
/// Throws   RequestFailure as for one that is not there, where it is another's.
const std::string& workspace_of(const http::Request& request);

/// `?after=` and `?limit=`.
struct Page {
  std::string after;
  int64_t limit = 0;
};
inline constexpr int64_t kMostOfAPage = 1000;
Page page_of(const http::Request& request);
/// `?NAME=`, at least 0. Throws   RequestFailure.
int64_t number_of(const http::Request& request, std::string_view name, int64_t otherwise);

/// {"data": […], "next": where the next page begins behind}; `key` says the place of an entry.
template <class T, class Key>
http::Reply page_answer(const std::vector<T>& entries, const Page& page, const Key& key) {
  Json data = Json::array();
  for (const T& entry : entries) data.push_back(to_json(entry));
  Json answer{{"data", std::move(data)}};
  if (static_cast<int64_t>(entries.size()) == page.limit) answer["next"] = key(entries.back());
  return {http::Response{.body = http::to_line(answer)}};
}

http::Reply done(const char* what, const std::string& name);

}  // namespace maru::api::tenants
