// Who may ask a server: the keys that its configuration names.
#pragma once
#include <memory>

#include "api/server.h"
#include "base/principal.h"

namespace maru::api {

/// Keys of `keys_file`, of `api_key_file` and of the context, side by side.
///
/// Throws   kInvalidArgument when it would listen beyond loopback without any; what platform::KeyStore throws.
std::unique_ptr<const Authenticator> authenticator_of(const ServeConfig& config, const ServeContext& context);

}  // namespace maru::api
