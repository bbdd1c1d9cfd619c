#include "train/objectives/texts.h"

namespace maru::train {
namespace {

std::span<const int32_t> rows_of(std::span<const int32_t> all, const Batch::Sequence& sequence) {
  return all.subspan(static_cast<size_t>(sequence.first_row), static_cast<size_t>(sequence.rows));
}

}  // namespace

std::span<const int32_t> tokens_of(const MicroBatch& micro, size_t sequence) {
  return rows_of(micro.builder.tokens(), micro.builder.sequences()[sequence]);
}

EncoderBatch batch_of_texts(Context& ctx, EncoderBatchBuilder& builder, const MicroBatch& micro) {
  builder.clear();
  for (const Batch::Sequence& sequence : micro.builder.sequences())
    builder.add(rows_of(micro.builder.tokens(), sequence),
                micro.types.empty() ? std::span<const int32_t>() : rows_of(micro.types, sequence));
  return builder.batch(ctx);
}

}  // namespace maru::train
