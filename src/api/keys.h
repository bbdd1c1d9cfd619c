// Who may ask a server: the keys that its configuration names.
#pragma once
#include <memory>

#include "api/server.h"
#include "base/principal.h"

namespace maru::api {

/// Keys of `keys_file`, of `api_key_file`, of the context and of the home's database (null: there is no home), side by
/// side. What is there of them decides whether anybody is asked for one, while it runs, too.
///
/// Throws   kInvalidArgument when it would listen beyond loopback without any; what platform::KeyStore throws.
std::unique_ptr<const Authenticator> authenticator_of(const ServeConfig& config, const ServeContext& context,
                                                      std::shared_ptr<const Authenticator> of_home);

}  // namespace maru::api
