// Rows of blocks on their way to the tiles: a piece of a panel, a few groups of k, in the layout of panels. A block's
// words are those of the quads as they are, so a piece is a transposition of words. Include after a tile_*.h.
#pragma once
#include "kernels/quantized_matmul/block_rows.h"
#include "kernels/simd/words.h"

namespace maru::kernels {
namespace {

// Whole chunks of k. Few tiles: 4 or 8 KiB of a panel, half of it numbers that just came. Many: few pieces, from L2.
constexpr int64_t kFewGroups = 4 * kGroupsPerChunk;
constexpr int64_t kStageGroups = 16 * kGroupsPerChunk;
constexpr Word kTopBits = 0x80808080u;  // of bytes: turning one adds 128

/// Room for a piece of one panel.
class Stage {
 public:
  /// Groups [first, first + groups) of a panel of w, groups <= kStageGroups. Valid until the next call.
  PanelData read(const QuantizedMatrix& w, int64_t panel, int64_t first, int64_t groups, Fetch fetch) {
    const int64_t row = panel * kQuantizedPanel;
    BlockRows from = block_rows_of(w, row);
    from.data += first * quantized_block_bytes(w.kind);
    if (row + kQuantizedPanel > w.n) from = filled_up(from, w.n - row, groups * quantized_block_bytes(w.kind));
    if (w.kind == QuantizedKind::kInt8)
      turn<QuantizedKind::kInt8>(from, groups, fetch);
    else
      turn<QuantizedKind::kInt4>(from, groups, fetch);
    return {quads_, scales_, nullptr};
  }

 private:
  // The rows that the last panel lacks are zeros.
  BlockRows filled_up(BlockRows from, int64_t rows, int64_t bytes) {
    __builtin_memset(rows_, 0, sizeof rows_);
    for (int64_t r = 0; r < rows; ++r) __builtin_memcpy(rows_ + r * bytes, from.row(r), static_cast<size_t>(bytes));
    return {rows_, bytes};
  }

  template <QuantizedKind kKind>
  void turn(BlockRows from, int64_t groups, Fetch fetch) {
    for (int64_t g = 0; g < groups; ++g, from.data += quantized_block_bytes(kKind)) {
      fetch.into_l1(g);
      turn_group<kKind>(from, g);
    }
  }

  template <QuantizedKind kKind>
  MARU_INLINE void turn_group(BlockRows from, int64_t g) {
    for (int64_t r = 0; r < kQuantizedPanel; r += kLanes)
      copy_scales(scales_ + g * kQuantizedPanel + r, {from.row(r), from.stride});
    auto* to = reinterpret_cast<Word*>(quads_ + g * quantized_group_bytes(kKind));
    for (int64_t r = 0; r < kQuantizedPanel; r += kLanes)
      for (int64_t j = 0; j < quantized_group_bytes(kKind) / 64; j += 4) {
        Words x[4];
        load_transposed(x, from.numbers(r) + 4 * j, from.stride);
#pragma GCC unroll 4
        for (int64_t i = 0; i < 4; ++i)
          store_words(to + (j + i) * kQuantizedPanel + r,
                      kKind == QuantizedKind::kInt8 ? turned(x[i], kTopBits) : x[i]);
      }
  }

  alignas(64) std::byte quads_[kStageGroups * quantized_group_bytes(QuantizedKind::kInt8)];
  alignas(64) float16 scales_[kStageGroups * kQuantizedPanel];
  std::byte rows_[kStageGroups * kQuantizedPanel * quantized_block_bytes(QuantizedKind::kInt8)];
};

}  // namespace
}  // namespace maru::kernels
