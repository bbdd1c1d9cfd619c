#include "platform/roles.h"

#include <algorithm>
#include <array>

#include "base/request_failure.h"

namespace maru::platform {
namespace {

bool is_of_operators(std::string_view scope) { return scope == "manage" || scope == "*"; }

bool has(const std::vector<std::string>& scopes, std::string_view scope) {
  return std::find(scopes.begin(), scopes.end(), scope) != scopes.end();
}

}  // namespace

const std::vector<std::string>& scopes_of_role(std::string_view role) {
  static const std::vector<std::string> kNone, kViewer{"read"}, kDeveloper{"inference", "read", "write"},
      kAdmin{"inference", "read", "write", "admin"};
  if (role == "viewer") return kViewer;
  if (role == "developer") return kDeveloper;
  return role == "admin" ? kAdmin : kNone;
}

std::string_view least_role_with(const std::vector<std::string>& scopes) {
  for (const std::string_view role : {"viewer", "developer"}) {
    const std::vector<std::string>& allowed = scopes_of_role(role);
    if (std::all_of(scopes.begin(), scopes.end(),
                    [&](const std::string& s) { return is_of_operators(s) || has(allowed, s); }))
      return role;
  }
  return "admin";
}

std::vector<std::string> scopes_within(const std::vector<std::string>& scopes, std::string_view role) {
  const std::vector<std::string>& allowed = scopes_of_role(role);
  std::vector<std::string> left;
  for (const std::string& scope : scopes)
    if (is_of_operators(scope) || has(allowed, scope)) left.push_back(scope);
  return left;
}

void check_may_give(const Principal& giver, const std::vector<std::string>& scopes, std::string_view field) {
  for (const std::string& scope : scopes) {
    if (giver.is_operator()) continue;
    if (is_of_operators(scope))
      refuse(std::string(field) + ": \"" + scope + "\" is given by the operator of the server alone", field);
    if (!giver.may(scope))
      refuse(
          std::string(field) + ": your own key may not do \"" + scope + "\", and nobody gives what they have not got",
          field);
  }
}

Principal local_operator(std::string_view called) {
  return {.tenant = std::string(kLocal), .key = std::string(called), .scopes = {"*"}};
}

}  // namespace maru::platform
