// How a product with AMX tiles is cut into tasks and blocks, and the scratch that they need. Included by amx.cc only.
#pragma once
#include "kernels/matmul/amx_tile.h"
#include "kernels/matmul/blocks.h"

namespace maru::kernels {
namespace {

constexpr int64_t kBlockRows = 1024, kBlockCols = 1024;
constexpr int64_t kBlockChunks = 32;         // of k: a pair of groups of op(a) is then 64 KiB
constexpr int64_t kStripBytes = 512 * 1024;  // of packed op(b): a quarter of L2
constexpr int64_t kFewRows = 64;             // up to here weights are multiplied where they lie
constexpr int64_t kFewDepth = 16384;         // unless lines are longer

// How m, n and k are cut. Depends on the number of threads; bits do not depend on it.
struct Plan {
  int64_t rows, cols;  // of a block; multiples of kPairRows and kPanelCols
  int64_t strip;       // columns of a block whose op(b) is packed at a time
  int64_t chunks;      // of k, of a block
  int64_t row_blocks, col_blocks, chunk_blocks;
};

Plan plan_for(int threads, int64_t m, int64_t n, int64_t k) {
  Plan plan;
  plan.chunk_blocks = blocks_of(chunks_of(k), kBlockChunks);
  plan.row_blocks = blocks_of(m, kBlockRows), plan.col_blocks = blocks_of(n, kBlockCols);
  share_out(plan, threads, threads, kPanelCols, m, n);
  plan.chunks = larger(1, divide_up(chunks_of(k), plan.chunk_blocks));
  plan.rows = round_up(larger(1, divide_up(m, plan.row_blocks)), kPairRows);
  const int64_t panels = divide_up(blocks_of(n, kPanelCols), plan.col_blocks);
  const int64_t panel_bytes = plan.chunks * kTileSide * kPanelCols * static_cast<int64_t>(sizeof(Word));
  plan.cols = panels * kPanelCols;
  plan.strip = divide_up(panels, blocks_of(panels, larger(1, kStripBytes / panel_bytes))) * kPanelCols;
  return plan;
}

// One worker's part of the scratch.
struct Buffers {
  Word *a, *b;
  float* sums;  // of every pair of groups and panel of the block, or of one where k is a single block
};

int64_t a_words(const Plan& plan) { return plan.rows * plan.chunks * kTileSide; }
int64_t b_words(const Plan& plan) { return plan.strip * plan.chunks * kTileSide; }
int64_t sums_of(const Plan& plan) { return plan.chunk_blocks > 1 ? plan.rows * plan.cols : kPairSums; }
int64_t worker_words(const Plan& plan) { return a_words(plan) + b_words(plan) + sums_of(plan); }

Buffers buffers_of(const Plan& plan, std::byte* scratch, int worker) {
  Word* a = reinterpret_cast<Word*>(scratch) + worker * worker_words(plan);
  return {a, a + a_words(plan), reinterpret_cast<float*>(a + a_words(plan) + b_words(plan))};
}

// The same for few rows and a right factor that stays where it is.
struct FewPlan {
  int64_t across, down;  // tiles of rows, and of lines that are multiplied with them at a time
  int64_t lines;         // of a task
  int64_t tasks;
};

bool are_few(int64_t m, int64_t k) { return m <= kFewRows && k <= kFewDepth; }
FewPlan few_plan_for(int threads, int64_t m, int64_t n) {
  FewPlan plan;
  plan.across = divide_up(m, kTileSide);
  plan.down = plan.across == 1 ? 4 : plan.across == 2 ? 2 : 1;
  // A single tile of rows waits for memory: smaller tasks balance better. More repay their packing in larger ones.
  const int64_t unit = plan.down * kTileSide, units = divide_up(n, unit),
                wanted = plan.across == 1 ? 4 * threads : threads;
  plan.lines = divide_up(units, threads > 1 ? smaller(units, wanted) : 1) * unit;
  plan.tasks = divide_up(n, plan.lines);
  return plan;
}
int64_t few_words(int64_t m, int64_t k) { return round_up(m, kTileSide) * chunks_of(k) * kTileSide; }

}  // namespace
}  // namespace maru::kernels
