#include "serving/model_identity.h"

namespace maru::serving {

IdentityOfFiles::IdentityOfFiles(bool wanted, const fs::path& model, const fs::path& adapter) {
  if (!wanted) return;
  model_.emplace(model);
  if (!adapter.empty()) adapter_.emplace(adapter);
}

std::optional<ModelIdentity> IdentityOfFiles::of(Dtype dtype, bool int8_cache, Isa isa) const {
  if (!model_) return std::nullopt;
  model_->check_unchanged();
  if (adapter_) adapter_->check_unchanged();
  const std::string name(name_of(dtype));
  return ModelIdentity{.weights = model_->hash(),
                       .adapter = adapter_ ? std::optional(adapter_->hash()) : std::nullopt,
                       .dtype = name,
                       .kv_cache_dtype = int8_cache ? "int8" : name,
                       .isa = std::string(name_of(isa))};
}

}  // namespace maru::serving
