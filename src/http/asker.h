// Who asks, as routes mind it that keep things in workspaces: the wall between these stands here alone.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "http/http.h"

namespace maru::http {

/// As what was done keeps it: the name of the key, or "local".
inline std::string author_of(const Request& request) { return request.principal ? request.principal->key : "local"; }

/// The workspace that is all it may know of; none: it runs the server, and may know of every one.
inline std::optional<std::string> only_workspace(const Request& request) {
  if (!request.principal || request.principal->is_operator()) return std::nullopt;
  return request.principal->tenant;
}

/// Whether it may know of a workspace. What is in another is answered as what is not there.
inline bool may_enter(const Request& request, std::string_view workspace) {
  const std::optional<std::string> only = only_workspace(request);
  return !only || *only == workspace;
}

}  // namespace maru::http
