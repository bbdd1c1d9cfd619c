#include "api/hub/names.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>

#include "base/hex.h"
#include "base/request_failure.h"
#include "platform/roles.h"
#include "platform/workspaces.h"

namespace maru::api::hub {
namespace {

bool stays(char c) {
  return ('a' <= c && c <= 'z') || ('A' <= c && c <= 'Z') || ('0' <= c && c <= '9') ||
         std::string_view("-._~/").find(c) != std::string_view::npos;
}

}  // namespace

std::string path_of(const platform::RepositoryName& name) {
  return (name.kind == kDatasets ? "datasets/" : "") + name.space + "/" + name.name;
}

std::string base_url(const http::Request& request) {
  if (!request.authority || request.authority->empty()) refuse("Host: is missing, so no URL can be told", "Host");
  const bool secure = request.secure || request.header("x-forwarded-proto") == "https";
  return fmt::format("{}://{}{}", secure ? "https" : "http", *request.authority, kPrefix);
}

std::string own_space(const http::Request& request) {
  const bool is_operator = !request.principal || request.principal->is_operator();
  if (request.principal && platform::check_workspace_name("workspace", request.principal->tenant).ok())
    return request.principal->tenant;
  if (!is_operator) refuse("this key is of no workspace: give it one (in a file of keys: \"tenant\")", "workspace");
  return std::string(platform::kLocal);
}

platform::RepositoryName repository_of(const http::Request& request, const char* kind) {
  platform::RepositoryName name{kind, request.arguments.at(0), request.arguments.at(1)};
  if (!may_enter(request, name.space)) platform::missing_repository(name);
  return name;
}

const char* kind_of(std::string_view type) {
  if (type == "dataset") return kDatasets;
  if (type.empty() || type == "model") return kModels;
  refuse("type: expected model or dataset: this server keeps no others", "type");
}

void check_new_name(const platform::RepositoryName& name) {
  if (const Outcome outcome = platform::check_workspace_name("organization", name.space); !outcome)
    refuse(outcome.error().message, "organization");
  if (const Outcome outcome = platform::check_repository_name("name", name.name); !outcome)
    refuse(outcome.error().message, "name");
}

std::string url_escape(std::string_view text) {
  std::string escaped;
  for (const char c : text) escaped += stays(c) ? std::string(1, c) : fmt::format("%{:02X}", static_cast<uint8_t>(c));
  return escaped;
}

Pointer pointer_of(const platform::Blob& blob) {
  const std::string text =
      fmt::format("version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize {}\n", blob.sha256, blob.size);
  const std::string object = fmt::format("blob {}", text.size()) + '\0' + text;
  std::array<char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  CHECK(EVP_Digest(object.data(), object.size(), reinterpret_cast<unsigned char*>(digest.data()), &size, EVP_sha1(),
                   nullptr) == 1);
  return {to_hex({digest.data(), size}), text.size()};
}

}  // namespace maru::api::hub
