// The texts of a micro-batch as encoders read them.
#pragma once
#include <span>

#include "models/encoder.h"
#include "train/micro_batch.h"

namespace maru::train {

std::span<const int32_t> tokens_of(const MicroBatch& micro, size_t sequence);

/// Uploads them through the builder, which holds what lies on the host.
EncoderBatch batch_of_texts(Context& ctx, EncoderBatchBuilder& builder, const MicroBatch& micro);

}  // namespace maru::train
