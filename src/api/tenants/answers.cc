#include "api/tenants/answers.h"

#include <algorithm>
#include <charconv>

#include "base/request_failure.h"
#include "http/asker.h"
#include "platform/roles.h"
#include "platform/workspaces.h"

namespace maru::api::tenants {

Principal actor_of(const http::Request& request) {
  return request.principal ? *request.principal : platform::local_operator(platform::kLocal);
}

const std::string& workspace_of(const http::Request& request) {
  const std::string& name = request.arguments.at(0);
  if (!may_enter(request, name)) platform::missing_workspace(name);
  return name;
}

int64_t number_of(const http::Request& request, std::string_view name, int64_t otherwise) {
  const std::string_view text = request.parameter(name);
  int64_t value = otherwise;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (!text.empty() && (error != std::errc() || end != text.data() + text.size() || value < 0))
    refuse(std::string(name) + ": expected a whole number of at least 0", name);
  return value;
}

Page page_of(const http::Request& request) {
  return {std::string(request.parameter("after")),
          std::clamp<int64_t>(number_of(request, "limit", kMostOfAPage), 1, kMostOfAPage)};
}

http::Reply done(const char* what, const std::string& name) {
  return {http::Response{.body = http::to_line({{what, name}})}};
}

}  // namespace maru::api::tenants
