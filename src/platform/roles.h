// What members of a workspace may do in it, and what keys may be given.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/principal.h"

namespace maru::platform {

/// What is named where nobody names a workspace, and whoever reaches a server without keys: its operator.
inline constexpr std::string_view kLocal = "local";
inline constexpr std::string_view kRoles = "viewer|developer|admin", kMemberKinds = "user|service",
                                  kScopes = "inference|read|write|admin|manage|*";

/// viewer: read; developer: inference, read, write; admin: these and admin. None for any other word.
const std::vector<std::string>& scopes_of_role(std::string_view role);
/// The least that has all of these; those that only an operator gives ("manage", "*") need none.
std::string_view least_role_with(const std::vector<std::string>& scopes);
/// What is left of a key's scopes in that role. What an operator gave it stays.
std::vector<std::string> scopes_within(const std::vector<std::string>& scopes, std::string_view role);
/// Nobody gives what they have not got; "manage" and "*" are an operator's to give.
///
/// Throws   RequestFailure naming `field`.
void check_may_give(const Principal& giver, const std::vector<std::string>& scopes, std::string_view field);
/// Whoever asks without a key, or on the command line.
Principal local_operator(std::string_view called);

}  // namespace maru::platform
