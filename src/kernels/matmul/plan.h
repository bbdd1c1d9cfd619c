// How a product is cut into tasks, blocks and tiles, and the scratch that they need.
#pragma once
#include "kernels/matmul/blocks.h"
#include "kernels/matmul/lines.h"
#include "kernels/matmul/tile.h"

namespace maru::kernels {
namespace {

// A block of c is large, because op(a) is packed anew for each column of blocks and op(b) for each row of blocks.
constexpr int64_t kBlockRows = 72 * 14;
constexpr int64_t kBlockCols = 1024;
constexpr int64_t kBlockWords = 512;         // of k: a panel of op(a) is then 28 KiB
constexpr int64_t kStripBytes = 512 * 1024;  // of packed op(b): half of L2
constexpr int64_t kFewRows = 64;             // up to here op(b) passes by once, a panel at a time, and k is cut less
constexpr int64_t kChunkWords = 128;         // of k, of such a panel: 16 KiB, half of L1
constexpr int64_t kFewestRows = 16;          // up to here op(b) comes from memory: smaller tasks balance better

// How m, n and k are cut. Depends on the number of threads; bits do not depend on it.
struct Plan {
  int64_t rows, cols, words;  // of a block; cols a multiple of kTileCols
  bool few_rows;
  int64_t strip;  // columns of a block whose op(b) is packed at a time, where rows are not few
  int64_t row_blocks, col_blocks, word_blocks;
};

template <class T>
Plan plan_for(int threads, int64_t m, int64_t n, int64_t k) {
  Plan plan;
  plan.few_rows = m <= kFewRows;
  plan.word_blocks = blocks_of(words_of<T>(k), plan.few_rows ? 4 * kBlockWords : kBlockWords);
  plan.row_blocks = blocks_of(m, kBlockRows);
  plan.col_blocks = blocks_of(n, kBlockCols);
  share_out(plan, threads, threads > 1 && m <= kFewestRows ? 4 * threads : threads, kTileCols, m, n);
  plan.words = round_up(larger(1, divide_up(words_of<T>(k), plan.word_blocks)), kStepWords * kHalves<T>);
  plan.rows = divide_up(m, plan.row_blocks);
  const int64_t panels = divide_up(blocks_of(n, kTileCols), plan.col_blocks);
  const int64_t panel_bytes = plan.words * kTileCols * static_cast<int64_t>(sizeof(Word));
  const int64_t strips = blocks_of(panels, larger(1, kStripBytes / panel_bytes));
  plan.cols = panels * kTileCols;
  plan.strip = divide_up(panels, strips) * kTileCols;
  return plan;
}

// One worker's part of the scratch.
struct Buffers {
  Word *a, *b;
  float* sums;  // of every tile of the block, or of those of one panel where k is a single block
};

int64_t tiles_of(int64_t rows) { return divide_up(rows, kTileRows); }
int64_t a_words(const Plan& plan) { return round_up(plan.rows * plan.words, 16); }
int64_t b_words(const Plan& plan) {
  return plan.few_rows ? kChunkWords * kTileCols : round_up(plan.strip * plan.words, 16);
}
constexpr int64_t kTileSums = kTileRows * kTileCols;
int64_t sums_of(const Plan& plan) {
  return round_up(tiles_of(plan.rows) * (plan.word_blocks > 1 ? plan.cols / kTileCols : 1) * kTileSums, 16);
}
int64_t worker_words(const Plan& plan) { return a_words(plan) + b_words(plan) + sums_of(plan); }

Buffers buffers_of(const Plan& plan, std::byte* scratch, int worker) {
  Word* a = reinterpret_cast<Word*>(scratch) + worker * worker_words(plan);
  return {a, a + a_words(plan), reinterpret_cast<float*>(a + a_words(plan) + b_words(plan))};
}

}  // namespace
}  // namespace maru::kernels
