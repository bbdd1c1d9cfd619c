// Matrix multiplication of bfloat16 with AMX tiles; of floats it is that of AVX-512.
//
// Blocks, panels and sums between blocks of k are as in cpu.cc, with 32 x 32 sums in tiles. Where rows are few the
// roles change: the weight [n, k], as it is mapped from its file, is the left factor, which tiles take as it lies, and
// the few rows are packed. Products are the same both ways, and so are sums.
#include "kernels/matmul/amx_plan.h"
#include "kernels/matmul/matmul.h"

namespace maru::kernels {
namespace {

// What c gets of 16 sums or fewer.
template <class C>
MARU_INLINE void finish(C* c, F32 sum, bool add, int64_t n) {
  store(c, add ? load(c, n) + sum : sum, n);
}

template <class C>
struct Job {
  const Matmul<bfloat16, C>& x;
  Plan plan;
  int64_t chunks;  // of k

  struct Block {
    int64_t row, col, rows, cols;  // in c
    Buffers buffers;
  };
  struct Depth {
    int64_t first, chunks;
    int64_t k(const Job& job) const { return smaller(chunks * kTileDepth, job.x.k - first * kTileDepth); }
  };
  struct Panels {
    const Word* data;
    int64_t stride;  // words from panel to panel
  };

  void pack_a(const Block& block, Depth depth) const {
    const Lines<bfloat16> from = Lines<bfloat16>{x.a, x.lda, x.transpose_a}.from(block.row, depth.first * kTileDepth);
    const int64_t k = depth.k(*this), groups = divide_up(block.rows, kGroupRows);
    for (int64_t c = 0; c < depth.chunks; ++c)
      for (int64_t g = 0; g < groups; ++g)
        pack_tile(block.buffers.a + (g * depth.chunks + c) * kTileWords, from.from(g * kGroupRows, c * kTileDepth),
                  smaller(kGroupRows, block.rows - g * kGroupRows), smaller(kTileDepth, k - c * kTileDepth));
  }

  Panels b_panels(const Block& block, Depth depth, int64_t first, int64_t cols) const {
    const int64_t col = block.col + first, stride = depth.chunks * kTileSide * kPanelCols;
    if (x.packed_b != nullptr)
      return {reinterpret_cast<const Word*>(x.packed_b) + (col * chunks + depth.first * kPanelCols) * kTileSide,
              chunks * kTileSide * kPanelCols};
    const Lines<bfloat16> from = Lines<bfloat16>{x.b, x.ldb, !x.transpose_b}.from(col, depth.first * kTileDepth);
    const int64_t k = depth.k(*this), chunk = pack_chunk(from, k);
    for (int64_t p = 0; p < k; p += chunk)
      for (int64_t c = 0; c < cols; c += kPanelCols)
        pack_panel(block.buffers.b + c / kPanelCols * stride + p / 2 * kPanelCols, kPanelCols, from.from(c, p),
                   smaller(kPanelCols, cols - c), smaller(chunk, k - p));
    for (int64_t c = 0; c < cols; c += kPanelCols) end_panel(block.buffers.b + c / kPanelCols * stride, kPanelCols, k);
    return {block.buffers.b, stride};
  }

  void finish_pair(const Block& block, const float* sums, int64_t row, int64_t col) const {
    const int64_t cols = smaller(kPanelCols, block.cols - col);
    for (int64_t r = 0; r < smaller(kPairRows, block.rows - row); ++r, sums += kPanelCols) {
      C* c = x.c + (block.row + row + r) * x.ldc + block.col + col;
      for_lanes(
          cols, [&](int64_t i, int64_t n) __attribute__((always_inline)) { finish(c + i, load(sums + i), x.add, n); });
    }
  }

  // Sums of a pair of groups and a panel, between blocks of k where there are several.
  float* sums_at(const Block& block, int64_t row, int64_t col) const {
    const int64_t pair = plan.chunk_blocks > 1 ? row / kPairRows * (plan.cols / kPanelCols) + col / kPanelCols : 0;
    return block.buffers.sums + pair * kPairSums;
  }

  void multiply_strip(const Block& block, Depth depth, int64_t first, int64_t cols) const {
    const Panels b = b_panels(block, depth, first, cols);
    const bool resume = depth.first > 0, last = depth.first + depth.chunks >= chunks;
    const int64_t group_words = depth.chunks * kTileWords;
    for (int64_t row = 0; row < block.rows; row += kPairRows)
      for (int64_t c = 0; c < cols; c += kPanelCols) {
        float* sums = sums_at(block, row, first + c);
        (row + kGroupRows < block.rows ? multiply_panel<2>
                                       : multiply_panel<1>)(sums, block.buffers.a + row / kGroupRows * group_words,
                                                            group_words, b.data + c / kPanelCols * b.stride,
                                                            depth.chunks, resume);
        if (last) finish_pair(block, sums, row, first + c);
      }
  }

  void run(int64_t task, int worker) const {
    const int64_t row = task / plan.col_blocks * plan.rows, col = task % plan.col_blocks * plan.cols;
    const Block block{row, col, smaller(plan.rows, x.m - row), smaller(plan.cols, x.n - col),
                      buffers_of(plan, x.scratch, worker)};
    if (block.rows <= 0 || block.cols <= 0) return;
    const Tiles tiles;
    for (int64_t first = 0; first < larger(chunks, 1); first += plan.chunks) {
      const Depth depth{first, smaller(plan.chunks, chunks - first)};
      pack_a(block, depth);
      for (int64_t strip = 0; strip < block.cols; strip += plan.strip)
        multiply_strip(block, depth, strip, smaller(plan.strip, block.cols - strip));
    }
  }
};

// Few rows, a weight that is not packed.
template <class C>
struct FewJob {
  const Matmul<bfloat16, C>& x;
  FewPlan plan;

  using Multiply = void (*)(float*, const LineTiles&, const Word*, int64_t);
  Multiply multiply() const {
    static constexpr Multiply kTable[] = {multiply_lines<4, 1>, multiply_lines<2, 2>, multiply_lines<1, 3>,
                                          multiply_lines<1, 4>};
    return kTable[plan.across - 1];
  }

  void pack_rows(Word* to) const {
    const Lines<bfloat16> from{x.a, x.lda, x.transpose_a};
    const int64_t row_words = chunks_of(x.k) * kTileWords;
    for (int64_t t = 0; t < plan.across; ++t) {
      Word* tile = to + t * row_words;
      pack_panel(tile, kTileSide, from.from(t * kTileSide, 0), smaller(kTileSide, x.m - t * kTileSide), x.k);
      end_panel(tile, kTileSide, x.k);
    }
  }

  // sums [lines, rows], a row of c from each of its columns.
  void finish_lines(const float* sums, int64_t col, int64_t lines) const {
    const int64_t ld = plan.across * kTileSide;
    for (int64_t row = 0; row < x.m; row += kTileSide) {
      Words t[kTileSide];
      for (int64_t i = 0; i < kTileSide; ++i) t[i] = load_words(sums + i * ld + row);
      transpose(t);
      for (int64_t r = 0; r < smaller(kTileSide, x.m - row); ++r)
        finish(x.c + (row + r) * x.ldc + col, F32(_mm512_castsi512_ps(t[r].v)), x.add, lines);
    }
  }

  void run(int64_t task, int worker) const {
    Word* rows = reinterpret_cast<Word*>(x.scratch) + worker * few_words(x.m, x.k);
    pack_rows(rows);
    const Tiles tiles;
    alignas(64) float sums[4 * kTileWords];
    const int64_t first = task * plan.lines, last = smaller(first + plan.lines, x.n), ld = plan.across * kTileSide;
    for (int64_t col = first; col < last; col += plan.down * kTileSide) {
      multiply()(sums, {x.b + col * x.ldb, x.ldb, last - col, x.k}, rows, chunks_of(x.k) * kTileWords);
      for (int64_t i = 0; i < plan.down && col + i * kTileSide < last; ++i)
        finish_lines(sums + i * kTileSide * ld, col + i * kTileSide, smaller(kTileSide, last - col - i * kTileSide));
    }
  }
};

template <class C>
void multiply(ThreadPool& pool, const Matmul<bfloat16, C>& x) {
  if (x.m <= 0 || x.n <= 0) return;
  if (are_few(x.m, x.k) && x.packed_b == nullptr && x.transpose_b) {
    const FewJob<C> job{x, few_plan_for(pool.size(), x.m, x.n)};
    return pool.parallel_for(job.plan.tasks, [&](int64_t task, int worker) { job.run(task, worker); });
  }
  const Job<C> job{x, plan_for(pool.size(), x.m, x.n, x.k), chunks_of(x.k)};
  pool.parallel_for(job.plan.row_blocks * job.plan.col_blocks,
                    [&](int64_t task, int worker) { job.run(task, worker); });
}

}  // namespace

template <>
void matmul<kIsa>(ThreadPool& pool, const Matmul<float>& x) {
  matmul<Isa::kAvx512>(pool, x);
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
  matmul_pack<Isa::kAvx512>(pool, x);
}
template <>
void matmul_pack<kIsa>(ThreadPool& pool, const MatmulPack<bfloat16>& x) {
  const Lines<bfloat16> from{x.b, x.ldb, !x.transpose_b};
  pool.parallel_for(divide_up(x.n, kPanelCols), [&](int64_t panel, int) {
    const int64_t col = panel * kPanelCols;
    Word* to = reinterpret_cast<Word*>(x.packed) + col * chunks_of(x.k) * kTileSide;
    pack_panel(to, kPanelCols, from.from(col, 0), x.n - col, x.k);
    end_panel(to, kPanelCols, x.k);
  });
}
template <>
int64_t matmul_packed_bytes<kIsa, float>(int64_t n, int64_t k) {
  return matmul_packed_bytes<Isa::kAvx512, float>(n, k);
}
template <>
int64_t matmul_packed_bytes<kIsa, bfloat16>(int64_t n, int64_t k) {
  return round_up(n, kPanelCols) * chunks_of(k) * kTileSide * static_cast<int64_t>(sizeof(Word));
}
template <>
int64_t matmul_scratch_bytes<kIsa, float>(int threads, int64_t m, int64_t n, int64_t k) {
  return matmul_scratch_bytes<Isa::kAvx512, float>(threads, m, n, k);
}
template <>
int64_t matmul_scratch_bytes<kIsa, bfloat16>(int threads, int64_t m, int64_t n, int64_t k) {
  const int64_t words = larger(worker_words(plan_for(threads, m, n, k)), are_few(m, k) ? few_words(m, k) : 0);
  return words * threads * static_cast<int64_t>(sizeof(Word));
}

}  // namespace maru::kernels
