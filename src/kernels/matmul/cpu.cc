// Matrix multiplication, SIMD. Compiled once per instruction set.
//
// A task computes one block of c. For each block of k it packs its part of op(a) and op(b) (a packed b is used where it
// lies) and multiplies panel by panel: a tile of sums stays in registers while k passes, one panel of op(a) stays in
// L1 and the block of op(b) in L2. Between blocks of k the sums wait in scratch as f32, so blocks do not change bits.
// Where rows are few op(b) is not packed beforehand: weights serve as they are mapped from their file.
// Source: Goto & van de Geijn 2008, ACM TOMS 34(3); Van Zee & van de Geijn 2015 (BLIS), ACM TOMS 41(3).
#include "kernels/matmul/matmul.h"
#include "kernels/matmul/plan.h"
#include "kernels/matmul/tile.h"

namespace maru::kernels {
namespace {

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
    int64_t k(const Job& job) const { return smaller(words * kPerPacked<T>, job.x.k - first * kPerPacked<T>); }
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
  struct RowTile {
    int64_t index, row, rows;  // in the block
  };
  template <class F>
  MARU_INLINE void for_tiles(const Block& block, const F& f) const {
    const int64_t tiles = tiles_of(block.rows);
    const auto first_row = [&](int64_t tile) { return tile * block.rows / tiles; };
    for (int64_t tile = 0; tile < tiles; ++tile)
      f(RowTile{tile, first_row(tile), first_row(tile + 1) - first_row(tile)});
  }

  void pack_a(const Block& block, Depth depth) const {
    const Lines<T> from = a_lines().from(block.row, depth.first * kPerPacked<T>);
    const int64_t k = depth.k(*this), chunk = pack_chunk(from, k);
    for (int64_t p = 0; p < k; p += chunk)
      for_tiles(block, [&](RowTile t) {
        pack_panel(block.buffers.a + t.row * depth.words + p / kPerPacked<T> * t.rows, t.rows, from.from(t.row, p),
                   t.rows, smaller(chunk, k - p));
      });
  }

  Panels b_panels(const Block& block, Depth depth, Strip strip) const {
    const int64_t col = block.col + strip.first;
    if (x.packed_b != nullptr)
      return {reinterpret_cast<const Word*>(x.packed_b) + col * words + depth.first * kTileCols, words * kTileCols};
    const Lines<T> from = b_lines().from(col, depth.first * kPerPacked<T>);
    const int64_t k = depth.k(*this), chunk = pack_chunk(from, k);
    for (int64_t p = 0; p < k; p += chunk)
      for (int64_t c = 0; c < strip.cols; c += kTileCols)
        pack_panel(block.buffers.b + c * depth.words + p / kPerPacked<T> * kTileCols, kTileCols, from.from(c, p),
                   smaller(kTileCols, strip.cols - c), smaller(chunk, k - p));
    return {block.buffers.b, depth.words * kTileCols};
  }

  void finish(const Block& block, RowTile t, int64_t col) const {
    const float* sums = sums_at(block, t.index, col);
    const int64_t cols = smaller(kTileCols, block.cols - col);
    for (int64_t r = 0; r < t.rows; ++r, sums += kTileCols) {
      C* c = x.c + (block.row + t.row + r) * x.ldc + block.col + col;
      for_lanes(
          cols, [&](int64_t i, int64_t n) __attribute__((always_inline)) {
            const F32 sum = load(sums + i);
            store(c + i, x.add ? load(c + i, n) + sum : sum, n);
          });
    }
  }

  // Sums of a tile, between blocks of k where there are several.
  float* sums_at(const Block& block, int64_t tile, int64_t col) const {
    const int64_t panel = plan.word_blocks > 1 ? col / kTileCols : 0;
    return block.buffers.sums + (panel * tiles_of(plan.rows) + tile) * kTileSums;
  }

  void multiply_strip(const Block& block, Depth depth, Strip strip) const {
    const Panels b = b_panels(block, depth, strip);
    const bool first = depth.first == 0, last = depth.first + depth.words >= words;
    for_tiles(block, [&](RowTile t) {
      const MultiplyTile multiply = tile_of<T>(t.rows);
      for (int64_t c = 0; c < strip.cols; c += kTileCols) {
        const int64_t col = strip.first + c;
        multiply(sums_at(block, t.index, col), block.buffers.a + t.row * depth.words, b.data + c / kTileCols * b.stride,
                 depth.words, !first, {});
        if (last) finish(block, t, col);
      }
    });
  }

  // What follows this panel of op(b), at the place of a word, where panels are runs of memory: `lines` with each step.
  Fetch next_panel(const Block& block, int64_t col, int64_t word, int64_t lines) const {
    if (!kFetches || b_lines().k_major || col + kTileCols >= block.cols) return {};
    const auto* next = reinterpret_cast<const std::byte*>(b_lines().from(block.col + col + kTileCols, 0).data);
    return {next + word * kTileCols * kPerPacked<T> * static_cast<int64_t>(sizeof(T)), lines};
  }

  // Few rows do not repay the way of op(b) through L2: a chunk of a panel is packed in L1 and multiplied with all
  // tiles.
  void multiply_chunks(const Block& block, Depth depth, int64_t col) const {
    const Lines<T> from = b_lines().from(block.col + col, depth.first * kPerPacked<T>);
    const int64_t cols = smaller(kTileCols, block.cols - col), tiles = tiles_of(block.rows);
    for (int64_t done = 0; done == 0 || done < depth.words; done += kChunkWords) {
      const Depth chunk{depth.first + done, smaller(kChunkWords, depth.words - done)};
      pack_panel(block.buffers.b, kTileCols, from.from(0, done * kPerPacked<T>), cols, chunk.k(*this));
      const Fetch fetch = next_panel(block, col, chunk.first, kTileCols / kHalves<T>);
      for_tiles(block, [&](RowTile t) {
        tile_of<T>(t.rows)(sums_at(block, t.index, col), block.buffers.a + t.row * depth.words + done * t.rows,
                           block.buffers.b, chunk.words, chunk.first > 0,
                           fetch.share(t.index, tiles, kChunkWords / kFetchWords));
      });
    }
  }

  Ahead<T> ahead(const Block& block, Depth depth, int64_t col) const {
    const Fetching how = fetching_of(x.ldb * static_cast<int64_t>(sizeof(T)));
    if (how == Fetching::kRun) return {.run = next_panel(block, col, depth.first, kTileCols)};
    if (how == Fetching::kNone || col + kTileCols >= block.cols) return {};
    return {.next = b_lines().from(block.col + col + kTileCols, depth.first * kPerPacked<T>).data};
  }

  // A single tile does not repay a chunk either.
  void multiply_in_place(const Block& block, Depth depth, int64_t col) const {
    const Lines<T> from = b_lines().from(block.col + col, depth.first * kPerPacked<T>);
    lines_of<T>(block.rows)(sums_at(block, 0, col), block.buffers.a, from.data, from.ld, depth.k(*this),
                            depth.first > 0, ahead(block, depth, col));
  }

  void multiply_few(const Block& block, Depth depth) const {
    const bool one_tile = tiles_of(block.rows) == 1, last = depth.first + depth.words >= words;
    for (int64_t col = 0; col < block.cols; col += kTileCols) {
      if (one_tile && col + kTileCols <= block.cols && !b_lines().k_major)
        multiply_in_place(block, depth, col);
      else
        multiply_chunks(block, depth, col);
      if (last) for_tiles(block, [&](RowTile t) { finish(block, t, col); });
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
      if (plan.few_rows && x.packed_b == nullptr)
        multiply_few(block, depth);
      else
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
