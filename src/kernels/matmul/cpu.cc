// Matrix multiplication, SIMD. Compiled once per instruction set.
//
// A task computes one block of c. For each block of k it packs its part of op(a) and op(b) (a packed b is used where it
// lies) and multiplies panel by panel: a tile of sums stays in registers while k passes, one panel of op(a) stays in
// L1 and the block of op(b) in L2. Between blocks of k the sums wait in scratch as f32, so blocks do not change bits.
// Source: Goto & van de Geijn 2008, ACM TOMS 34(3); Van Zee & van de Geijn 2015 (BLIS), ACM TOMS 41(3).
#include <utility>

#include "kernels/matmul/matmul.h"
#include "kernels/matmul/pack.h"

namespace maru::kernels {
namespace {

// Tiles as large as registers allow, next to the factors: 14 x 2 and 6 x 2 sums; 4 x 2 where bfloat16 must be widened
// in more registers.
template <class T>
constexpr int kTileRows = kLanes == 16                     ? 14
                          : kLanes == 8 && kHalves<T> == 1 ? 6
                                                           : 4;
constexpr int kTileVectors = 2;
constexpr int64_t kTileCols = kTileVectors * kLanes;

// A block of c is large, because op(a) is packed anew for each column of blocks and op(b) for each row of blocks.
constexpr int64_t kBlockRows = 72 * 14;
constexpr int64_t kBlockCols = 1024;
constexpr int64_t kBlockWords = 512;         // of k: a panel of op(a) is then 28 KiB
constexpr int64_t kStripBytes = 512 * 1024;  // of packed op(b): half of L2
constexpr int64_t kFewRows = 64;             // up to here k is cut less: sums need not wait for the next block
constexpr int64_t kFewestRows = 16;          // up to here op(b) comes from memory: smaller tasks balance better

// How m, n and k are cut. Depends on the number of threads; bits do not depend on it.
struct Plan {
  int64_t tile_rows;
  int64_t rows, cols, words;  // of a block; cols a multiple of kTileCols
  int64_t strip;              // columns of a block whose op(b) is packed at a time
  int64_t row_blocks, col_blocks, word_blocks;
};

int64_t blocks_of(int64_t total, int64_t size) { return larger(1, divide_up(total, size)); }
int64_t round_up(int64_t x, int64_t unit) { return divide_up(x, unit) * unit; }

// More blocks, cutting the longer side, until every thread gets the same number.
void share_out(Plan& plan, int threads, int64_t m, int64_t n) {
  const int64_t wanted = threads > 1 && m <= kFewestRows ? 4 * threads : threads;
  for (int64_t blocks; (blocks = plan.row_blocks * plan.col_blocks) < wanted || blocks % threads != 0;) {
    const int64_t rows = m / plan.row_blocks, cols = n / plan.col_blocks;
    if (larger(rows, cols) < 2 * kTileCols || blocks > 8 * wanted) return;
    ++(rows > cols ? plan.row_blocks : plan.col_blocks);
  }
}

template <class T>
Plan plan_for(int threads, int64_t m, int64_t n, int64_t k) {
  Plan plan;
  plan.tile_rows = kTileRows<T>;
  plan.word_blocks = blocks_of(words_of<T>(k), m <= kFewRows ? 4 * kBlockWords : kBlockWords);
  plan.row_blocks = blocks_of(m, kBlockRows);
  plan.col_blocks = blocks_of(n, kBlockCols);
  share_out(plan, threads, m, n);
  plan.words = larger(1, divide_up(words_of<T>(k), plan.word_blocks));
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
  float* sums;  // of every tile of the block, or of one where k is a single block
};

int64_t tiles_of(const Plan& plan) { return divide_up(plan.rows, plan.tile_rows) * (plan.cols / kTileCols); }
int64_t a_words(const Plan& plan) { return round_up(plan.rows * plan.words, 16); }
int64_t b_words(const Plan& plan) { return round_up(plan.strip * plan.words, 16); }
int64_t tile_sums(const Plan& plan) { return plan.tile_rows * kTileCols; }
int64_t sums_of(const Plan& plan) {
  return round_up((plan.word_blocks > 1 ? tiles_of(plan) : 1) * tile_sums(plan), 16);
}
int64_t worker_words(const Plan& plan) { return a_words(plan) + b_words(plan) + sums_of(plan); }

Buffers buffers_of(const Plan& plan, std::byte* scratch, int worker) {
  Word* a = reinterpret_cast<Word*>(scratch) + worker * worker_words(plan);
  return {a, a + a_words(plan), reinterpret_cast<float*>(a + a_words(plan) + b_words(plan))};
}

// sums [kRows, kTileCols] = or += a [words, kRows]ᵀ · b [words, kTileCols].
template <class T, int kRows>
void multiply_tile(float* sums, const Word* a, const Word* b, int64_t words, bool resume) {
  F32 sum[kRows][kTileVectors];
  if (resume) {
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 4
      for (int v = 0; v < kTileVectors; ++v) sum[r][v] = load(sums + r * kTileCols + v * kLanes);
  }
  for (; words > 0; --words, a += kRows, b += kTileCols) {
    const auto step = [&]<int kHalf>() __attribute__((always_inline)) {
      decltype(factor<T, kHalf>(no_words())) right[kTileVectors];
#pragma GCC unroll 4
      for (int v = 0; v < kTileVectors; ++v) right[v] = factor<T, kHalf>(load_words(b + v * kLanes));
#pragma GCC unroll 16
      for (int r = 0; r < kRows; ++r) {
        const auto left = factor<T, kHalf>(broadcast_word(a + r));
#pragma GCC unroll 4
        for (int v = 0; v < kTileVectors; ++v) sum[r][v] = fma(left, right[v], sum[r][v]);
      }
    };
    step.template operator()<0>();
    if constexpr (kHalves<T> == 2) step.template operator()<1>();
  }
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < kTileVectors; ++v) store(sums + r * kTileCols + v * kLanes, sum[r][v]);
}

using MultiplyTile = void (*)(float*, const Word*, const Word*, int64_t, bool);

template <class T, int... kRows>
MultiplyTile multiply_rows(int64_t rows, std::integer_sequence<int, kRows...>) {
  static constexpr MultiplyTile kTable[] = {multiply_tile<T, kRows + 1>...};
  return kTable[rows - 1];
}

template <class T, class C>
struct Job {
  const Matmul<T, C>& x;
  Plan plan;
  int64_t words;  // of k

  struct Block {
    int64_t row, col, rows, cols;  // in c
    Buffers buffers;
  };
  struct Depth {
    int64_t first, words;  // of k
    int64_t k(const Job& job) const { return smaller(words * kPerWord<T>, job.x.k - first * kPerWord<T>); }
  };
  struct Strip {
    int64_t first, cols;  // in the block
  };
  struct Panels {
    const Word* data;
    int64_t stride;  // words from panel to panel
  };

  Lines<T> a_lines() const { return {x.a, x.lda, x.transpose_a}; }
  Lines<T> b_lines() const { return {x.b, x.ldb, !x.transpose_b}; }

  // Rows of c are spread evenly over the tiles of a block.
  int64_t row_tiles(const Block& block) const { return divide_up(block.rows, plan.tile_rows); }
  int64_t first_row(const Block& block, int64_t tile) const { return tile * block.rows / row_tiles(block); }

  void pack_a(const Block& block, Depth depth) const {
    const Lines<T> from = a_lines().from(block.row, depth.first * kPerWord<T>);
    const int64_t k = depth.k(*this), chunk = pack_chunk(from, k);
    for (int64_t p = 0; p < k; p += chunk)
      for (int64_t tile = 0; tile < row_tiles(block); ++tile) {
        const int64_t row = first_row(block, tile), rows = first_row(block, tile + 1) - row;
        pack_panel(block.buffers.a + row * depth.words + p / kPerWord<T> * rows, rows, from.from(row, p), rows,
                   smaller(chunk, k - p));
      }
  }

  Panels b_panels(const Block& block, Depth depth, Strip strip) const {
    const int64_t col = block.col + strip.first;
    if (x.packed_b != nullptr)
      return {reinterpret_cast<const Word*>(x.packed_b) + col * words + depth.first * kTileCols, words * kTileCols};
    const Lines<T> from = b_lines().from(col, depth.first * kPerWord<T>);
    const int64_t k = depth.k(*this), chunk = pack_chunk(from, k);
    for (int64_t p = 0; p < k; p += chunk)
      for (int64_t c = 0; c < strip.cols; c += kTileCols)
        pack_panel(block.buffers.b + c * depth.words + p / kPerWord<T> * kTileCols, kTileCols, from.from(c, p),
                   smaller(kTileCols, strip.cols - c), smaller(chunk, k - p));
    return {block.buffers.b, depth.words * kTileCols};
  }

  void finish(const float* sums, int64_t row, int64_t col, int64_t rows, int64_t cols) const {
    for (int64_t r = 0; r < rows; ++r, sums += kTileCols) {
      C* c = x.c + (row + r) * x.ldc + col;
      for_lanes(
          cols, [&](int64_t i, int64_t n) __attribute__((always_inline)) {
            const F32 sum = load(sums + i);
            store(c + i, x.add ? load(c + i, n) + sum : sum, n);
          });
    }
  }

  // Sums of a tile, between blocks of k where there are several.
  float* sums_at(const Block& block, int64_t tile, int64_t col) const {
    const int64_t index = tile * (plan.cols / kTileCols) + col / kTileCols;
    return block.buffers.sums + (plan.word_blocks > 1 ? index : 0) * tile_sums(plan);
  }

  void multiply_strip(const Block& block, Depth depth, Strip strip) const {
    const Panels b = b_panels(block, depth, strip);
    const bool first = depth.first == 0, last = depth.first + depth.words >= words;
    for (int64_t tile = 0; tile < row_tiles(block); ++tile) {
      const int64_t row = first_row(block, tile), rows = first_row(block, tile + 1) - row;
      const MultiplyTile multiply = multiply_rows<T>(rows, std::make_integer_sequence<int, kTileRows<T>>());
      for (int64_t c = 0; c < strip.cols; c += kTileCols) {
        const int64_t col = strip.first + c;
        float* sums = sums_at(block, tile, col);
        multiply(sums, block.buffers.a + row * depth.words, b.data + c / kTileCols * b.stride, depth.words, !first);
        if (last) finish(sums, block.row + row, block.col + col, rows, smaller(kTileCols, block.cols - col));
      }
    }
  }

  void run(int64_t task, int worker) const {
    const int64_t row = task / plan.col_blocks * plan.rows, col = task % plan.col_blocks * plan.cols;
    const Block block{row, col, smaller(plan.rows, x.m - row), smaller(plan.cols, x.n - col),
                      buffers_of(plan, x.scratch, worker)};
    if (block.rows <= 0 || block.cols <= 0) return;
    for (int64_t first = 0; first < larger(words, 1); first += plan.words) {
      const Depth depth{first, smaller(plan.words, words - first)};
      pack_a(block, depth);
      for (int64_t col = 0; col < block.cols; col += plan.strip)
        multiply_strip(block, depth, {col, smaller(plan.strip, block.cols - col)});
    }
  }
};

template <class T, class C>
void multiply(ThreadPool& pool, const Matmul<T, C>& x) {
  if (x.m <= 0 || x.n <= 0) return;
  const Job<T, C> job{x, plan_for<T>(pool.size(), x.m, x.n, x.k), words_of<T>(x.k)};
  pool.parallel_for(job.plan.row_blocks * job.plan.col_blocks,
                    [&](int64_t task, int worker) { job.run(task, worker); });
}

template <class T>
void pack(ThreadPool& pool, const MatmulPack<T>& x) {
  const Lines<T> from{x.b, x.ldb, !x.transpose_b};
  pool.parallel_for(divide_up(x.n, kTileCols), [&](int64_t panel, int) {
    const int64_t col = panel * kTileCols;
    pack_panel(reinterpret_cast<Word*>(x.packed) + col * words_of<T>(x.k), kTileCols, from.from(col, 0), x.n - col,
               x.k);
  });
}

template <class T>
int64_t packed_bytes(int64_t n, int64_t k) {
  return round_up(n, kTileCols) * words_of<T>(k) * static_cast<int64_t>(sizeof(Word));
}
template <class T>
int64_t scratch_bytes(int threads, int64_t m, int64_t n, int64_t k) {
  return worker_words(plan_for<T>(threads, m, n, k)) * threads * static_cast<int64_t>(sizeof(Word));
}

}  // namespace

template <>
void matmul<kIsa>(ThreadPool& pool, const Matmul<float>& x) {
  multiply(pool, x);
}
template <>
void matmul<kIsa>(ThreadPool& pool, const Matmul<bfloat16>& x) {
  multiply(pool, x);
}
template <>
void matmul<kIsa>(ThreadPool& pool, const Matmul<bfloat16, float>& x) {
  multiply(pool, x);
}
template <>
void matmul_pack<kIsa>(ThreadPool& pool, const MatmulPack<float>& x) {
  pack(pool, x);
}
template <>
void matmul_pack<kIsa>(ThreadPool& pool, const MatmulPack<bfloat16>& x) {
  pack(pool, x);
}
template <>
int64_t matmul_packed_bytes<kIsa, float>(int64_t n, int64_t k) {
  return packed_bytes<float>(n, k);
}
template <>
int64_t matmul_packed_bytes<kIsa, bfloat16>(int64_t n, int64_t k) {
  return packed_bytes<bfloat16>(n, k);
}
template <>
int64_t matmul_scratch_bytes<kIsa, float>(int threads, int64_t m, int64_t n, int64_t k) {
  return scratch_bytes<float>(threads, m, n, k);
}
template <>
int64_t matmul_scratch_bytes<kIsa, bfloat16>(int threads, int64_t m, int64_t n, int64_t k) {
  return scratch_bytes<bfloat16>(threads, m, n, k);
}

}  // namespace maru::kernels
