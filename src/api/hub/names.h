// How repositories are named in URLs, and URLs of them: models stand at the root, datasets below /datasets.
#pragma once
#include <string>
#include <string_view>

#include "http/asker.h"
#include "http/http.h"
#include "platform/repositories.h"

namespace maru::api::hub {

inline constexpr std::string_view kPrefix = "/v1/hf";
inline constexpr const char *kDatasets = "datasets", *kModels = "models";

/// "datasets/team/talks"; of a model "team/talks".
std::string path_of(const platform::RepositoryName& name);
/// Where this server was asked, up to and with /v1/hf, so that a client can ask there again: behind a proxy that ends
/// TLS, which says so in X-Forwarded-Proto, too.
///
/// Throws   kInvalidArgument without a Host.
std::string base_url(const http::Request& request);
/// Whose files are meant where nobody says it: the workspace of the key; an operator's, "local".
///
/// Throws   RequestFailure for a key of no workspace.
std::string own_space(const http::Request& request);
/// The repository of a route's first two arguments.
///
/// Throws   RequestFailure as for one that is not there, where it is of a workspace that the key may not know of.
platform::RepositoryName repository_of(const http::Request& request, const char* kind);
/// "dataset" and "model" as clients say it; empty: a model.
///
/// Throws   RequestFailure naming the field "type".
const char* kind_of(std::string_view type);
/// What a new one may be called: also not as the hub's own paths are.
///
/// Throws   RequestFailure naming the field.
void check_new_name(const platform::RepositoryName& name);
/// Percent-encoded but for letters, digits, "-._~" and '/'.
std::string url_escape(std::string_view text);
/// Of a file name, in an LFS pointer: what Git would keep of a file of that hash, its hash in Git and its size.
struct Pointer {
  std::string oid;  // 40 hexadecimal digits
  uint64_t size = 0;
};
Pointer pointer_of(const platform::Blob& blob);

}  // namespace maru::api::hub
