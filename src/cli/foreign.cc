#include "cli/foreign.h"

#include <fmt/format.h>

#include "base/hash.h"
#include "base/interrupt.h"
#include "base/progress.h"
#include "formats/weight_files.h"

namespace maru::cli {

ledger::ForeignOrigin foreign_origin(const fs::path& weights, std::string name, std::string source, std::string licence,
                                     bool quiet) {
  const formats::WeightFiles files(weights);
  uint64_t total = 0;
  for (const formats::StoredTensor& t : files.tensors()) total += t.bytes.size();
  Progress progress("hash", total, "bytes", quiet);
  ledger::ForeignOrigin origin{std::move(name), std::move(source), std::move(licence), {}};
  for (const formats::StoredTensor& t : files.tensors()) {
    throw_if_interrupted();
    origin.tensors.push_back({t.name, sha256_hex({reinterpret_cast<const char*>(t.bytes.data()), t.bytes.size()})});
    progress.add(t.bytes.size());
  }
  return origin;
}

void refuse_gguf(const fs::path& model, std::string_view what) {
  if (!formats::gguf_file_of(model)) return;
  throw Failure(ErrorCode::kUnimplemented,
                fmt::format("{}: a GGUF file cannot be {}; give the model it was made from", model.string(), what));
}

std::string directory_name(const fs::path& path) {
  return (path.has_filename() ? path : path.parent_path()).filename().string();
}

}  // namespace maru::cli
