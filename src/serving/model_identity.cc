#include "serving/model_identity.h"

namespace maru::serving {

IdentityOfFiles::IdentityOfFiles(bool wanted, const fs::path& files) {
  if (wanted) files_.emplace(files);
}

std::optional<ModelIdentity> IdentityOfFiles::of(Dtype dtype, bool int8_cache, Isa isa) const {
  if (!files_) return std::nullopt;
  files_->check_unchanged();
  const std::string name(name_of(dtype));
  return ModelIdentity{.weights = files_->hash(),
                       .adapter = std::nullopt,
                       .dtype = name,
                       .kv_cache_dtype = int8_cache ? "int8" : name,
                       .isa = std::string(name_of(isa))};
}

std::optional<ModelIdentity> IdentityOfFiles::beside(const std::optional<ModelIdentity>& model) const {
  if (!files_ || !model) return std::nullopt;
  files_->check_unchanged();
  ModelIdentity both = *model;
  both.adapter = files_->hash();
  return both;
}

}  // namespace maru::serving
