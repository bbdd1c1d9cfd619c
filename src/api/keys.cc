#include "api/keys.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/file.h"
#include "http/auth.h"
#include "platform/key_store.h"

namespace maru::api {
namespace {

/// The first that knows a key decides whose it is.
class SeveralAuthenticators : public Authenticator {
 public:
  void add(std::shared_ptr<const Authenticator> one) { all_.push_back(std::move(one)); }
  bool has_keys() const override {
    return std::any_of(all_.begin(), all_.end(), [](const auto& one) { return one->has_keys(); });
  }
  std::optional<Principal> principal_of(std::string_view key) const override {
    for (const auto& one : all_)
      if (std::optional<Principal> principal = one->principal_of(key)) return principal;
    return std::nullopt;
  }

 private:
  std::vector<std::shared_ptr<const Authenticator>> all_;
};

std::vector<std::string> plain_keys(const ServeConfig& config, const ServeContext& context) {
  std::vector<std::string> keys = context.api_keys;
  if (config.api_key_file.empty()) return keys;
  for (std::string& key : http::parse_keys(read_file(config.api_key_file, 1 << 20))) keys.push_back(std::move(key));
  if (keys.empty()) throw Failure(ErrorCode::kInvalidArgument, config.api_key_file + ": holds no API key");
  return keys;
}

}  // namespace

std::unique_ptr<const Authenticator> authenticator_of(const ServeConfig& config, const ServeContext& context,
                                                      std::shared_ptr<const Authenticator> of_home) {
  auto all = std::make_unique<SeveralAuthenticators>();
  all->add(std::make_unique<http::ApiKeys>(plain_keys(config, context)));
  if (!config.keys_file.empty()) all->add(std::make_unique<platform::KeyStore>(config.keys_file, context.warn));
  if (of_home != nullptr) all->add(std::move(of_home));
  if (!all->has_keys() && !http::is_loopback(config.http.address))
    throw Failure(ErrorCode::kInvalidArgument, "address " + config.http.address +
                                                   ": listening beyond this machine needs an API key (maru keys "
                                                   "create, keys_file or api_key_file)");
  return all;
}

}  // namespace maru::api
