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
  /// `wanted`: else nothing is read, and of() is empty. An empty `adapter`: none.
  ///
  /// Throws   what ledger::content_hash throws.
  IdentityOfFiles(bool wanted, const fs::path& model, const fs::path& adapter);
  /// Throws   kUnavailable when a file was replaced since then.
  std::optional<ModelIdentity> of(Dtype dtype, bool int8_cache, Isa isa) const;

 private:
  std::optional<ledger::LoadedContent> model_, adapter_;
};

}  // namespace maru::serving
