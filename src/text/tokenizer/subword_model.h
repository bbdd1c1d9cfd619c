// What turns one pre-token into token ids. Byte-level BPE today (bpe_model.h); each further kind is a file beside it.
// Models are immutable and shared between threads; what a thread needs to work lies in its SubwordScratch.
#pragma once
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace maru::text {

struct SubwordScratch {
  virtual ~SubwordScratch() = default;
};

class SubwordModel {
 public:
  virtual ~SubwordModel() = default;
  virtual std::unique_ptr<SubwordScratch> make_scratch() const = 0;
  /// Appends the ids of `piece` (any bytes, not empty). `scratch` comes from make_scratch() of this model.
  virtual void encode_piece(std::string_view piece, SubwordScratch& scratch, std::vector<int32_t>& ids) const = 0;
};

}  // namespace maru::text
