// Which model answers, to the byte, and what its bits depend on besides: what receipts say of it.
#pragma once
#include <optional>
#include <string>

#include "base/isa.h"
#include "ledger/content_hash.h"
#include "tensor/dtype.h"

namespace maru::serving {

struct ModelIdentity {
  ledger::ContentHash weights;
  std::optional<ledger::ContentHash> adapter;
  std::string dtype, kv_cache_dtype, isa;
};

/// Made before loading, asked after it.
class IdentityOfFiles {
 public:
  /// `wanted`: else nothing is read, and of() is empty.
  ///
  /// Throws   what ledger::content_hash throws.
  IdentityOfFiles(bool wanted, const fs::path& files);
  /// Throws   kUnavailable when a file was replaced since then.
  std::optional<ModelIdentity> of(Dtype dtype, bool int8_cache, Isa isa) const;
  /// The files are an adapter's, of a model of this identity. Throws as above.
  std::optional<ModelIdentity> beside(const std::optional<ModelIdentity>& model) const;

 private:
  std::optional<ledger::LoadedContent> files_;
};

}  // namespace maru::serving
