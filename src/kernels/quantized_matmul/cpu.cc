// Quantized matrix multiplication, SIMD. Compiled once per instruction set.
//
// First the rows of x are quantized into records (records.h). Then a task takes a few panels of w and a block of rows:
// panel after panel, tile after tile, so that the panel stays in L1 and the block of rows in L2. Tasks depend on the
// shape alone; the bits do not even depend on the tasks, because each output is summed within one tile.
#include <utility>

#include "kernels/quantized_matmul/quantized_matmul.h"
#include "kernels/quantized_matmul/records.h"
#if defined(MARU_ISA_AVX512)
#include "kernels/quantized_matmul/tile_avx512.h"
#elif defined(MARU_ISA_AVX2)
#include "kernels/quantized_matmul/tile_avx2.h"
#else
#include "kernels/quantized_matmul/tile_scalar.h"
#endif
#include "kernels/quantized_matmul/pack_panel.h"

namespace maru::kernels {
namespace {

constexpr int64_t kTaskBytes = 32 * 1024;    // of weights per task
constexpr int64_t kBlockBytes = 256 * 1024;  // of records per task: a quarter of L2

MARU_INLINE F32 load_some(const auto* p, int64_t n) { return n >= kLanes ? load(p) : load(p, larger(n, 0)); }
MARU_INLINE F32 fused(F32 a, F32 b, F32 c) {
#if defined(MARU_ISA_AVX512) || defined(MARU_ISA_AVX2)
  return fma(a, b, c);
#else
  return F32(__builtin_fmaf(a.v, b.v, c.v));
#endif
}

// How the rows of x are cut: tiles of about the same number of rows.
struct Tiles {
  int64_t rows, count;
  explicit Tiles(int64_t m) : rows(m), count(divide_up(m, kTileRows)) {}
  int64_t first(int64_t tile) const { return tile * rows / count; }
  // The last one that begins at or before the row.
  int64_t of(int64_t row) const { return ((row + 1) * count - 1) / rows; }
};

// What the values of a chunk are divided by and multiplied with. Zero for values that are as good as zero, NaN where
// one is not finite.
struct ChunkScale {
  float scale, inverse;
};

template <class T>
ChunkScale chunk_scale(const T* x, int64_t n) {
  F32 top, bad;
  for (int64_t i = 0; i < n; i += kLanes) {
    const F32 v = load_some(x + i, n - i);
    top = max(top, max(v, F32() - v));
    bad = bad + v * F32();
  }
  if (reduce_add(bad) != 0) return {__builtin_nanf(""), 0};
  const float largest = reduce_max(top);
  if (largest < 0x1p-120f) return {0, 0};
  return {largest / 127.0f, 127.0f / largest};
}

// 32 values, zeros behind the n-th. Returns the sum of what was stored, which is exact in f32.
template <class T>
int32_t quantize_group(int8_t* to, const T* x, int64_t n, float inverse) {
  F32 sum;
  for (int64_t i = 0; i < kQuantizedGroup; i += kLanes) {
    const F32 q = inverse == 0 ? F32() : round(load_some(x + i, n - i) * F32(inverse));
    store_int8(to + i, q);
    sum = sum + q;
  }
  return static_cast<int32_t>(reduce_add(sum));
}

// One row's part of one chunk record; `row` within a tile of `rows`.
template <class T>
void quantize_chunk(std::byte* record, int64_t row, int64_t rows, const T* x, int64_t n, int32_t shift) {
  const ChunkScale s = chunk_scale(x, smaller(n, kQuantizedChunk));
  for (int64_t g = 0; g < kGroupsPerChunk; ++g, record += rows * kGroupRecord) {
    const int64_t first = smaller(g * kQuantizedGroup, n), there = smaller(n - first, kQuantizedGroup);
    auto* to = reinterpret_cast<int8_t*>(record + row * kQuantizedGroup);
    const int32_t start = -shift * quantize_group(to, x + first, there, s.inverse);
    __builtin_memcpy(record + rows * kQuantizedGroup + 4 * row, &start, sizeof start);
  }
  __builtin_memcpy(record + 4 * row, &s.scale, sizeof s.scale);
}

using MultiplyTile = void (*)(float*, const std::byte*, PanelData, int64_t);

template <QuantizedKind kKind, bool kOffsets, int... kRows>
MultiplyTile tile_of(int64_t rows, std::integer_sequence<int, kRows...>) {
  static constexpr MultiplyTile kTable[] = {multiply_tile<kKind, kOffsets, kRows + 1>...};
  return kTable[rows - 1];
}
template <QuantizedKind kKind>
MultiplyTile tile_of(bool offsets, int64_t rows) {
  const auto all = std::make_integer_sequence<int, kTileRows>();
  return offsets ? tile_of<kKind, true>(rows, all) : tile_of<kKind, false>(rows, all);
}
MultiplyTile tile_of(const QuantizedMatrix& w, int64_t rows) {
  return w.kind == QuantizedKind::kInt8 ? tile_of<QuantizedKind::kInt8>(w.offsets != nullptr, rows)
                                        : tile_of<QuantizedKind::kInt4>(w.offsets != nullptr, rows);
}

PanelData panel_of(const QuantizedMatrix& w, int64_t panel) {
  const int64_t first = panel * quantized_groups(w.k), at = first * kQuantizedPanel;
  return {w.quads + first * quantized_group_bytes(w.kind), w.scales + at,
          w.offsets != nullptr ? w.offsets + at : nullptr};
}

template <class T, class C>
struct Job {
  const QuantizedMatmul<T, C>& a;
  Tiles tiles;
  int64_t groups, chunks, panels, panels_per_task, tiles_per_task;

  explicit Job(const QuantizedMatmul<T, C>& args)
      : a(args),
        tiles(args.m),
        groups(quantized_groups(args.w.k)),
        chunks(divide_up(groups, kGroupsPerChunk)),
        panels(quantized_panels(args.w.n)),
        panels_per_task(larger(1, kTaskBytes / larger(1, groups * quantized_group_bytes(args.w.kind)))),
        tiles_per_task(larger(1, kBlockBytes / larger(1, kTileRows * chunks * kChunkRecord))) {}

  std::byte* records(int64_t row) const { return a.scratch + row * chunks * kChunkRecord; }

  void quantize_row(int64_t row) const {
    const int64_t tile = tiles.of(row), first = tiles.first(tile), rows = tiles.first(tile + 1) - first;
    for (int64_t c = 0; c < chunks; ++c)
      quantize_chunk(records(first) + c * rows * kChunkRecord, row - first, rows,
                     a.x + row * a.ldx + c * kQuantizedChunk, a.w.k - c * kQuantizedChunk, shift_of(a.w.kind));
  }

  void finish(const float* totals, int64_t row, int64_t rows, int64_t col) const {
    const F32 multiplier(static_cast<float>(a.multiplier));
    for (int64_t r = 0; r < rows; ++r, totals += kQuantizedPanel) {
      C* c = a.c + (row + r) * a.ldc + col;
      for_lanes(smaller(kQuantizedPanel, a.w.n - col), [&](int64_t i, int64_t n) {
        const F32 bias = a.bias != nullptr ? load(a.bias + col + i, n) : F32();
        store(c + i, fused(load(totals + i), multiplier, bias), n);
      });
    }
  }

  void multiply_panel(int64_t panel, int64_t first_tile, int64_t last_tile) const {
    alignas(64) float totals[kTileRows * kQuantizedPanel];
    const PanelData data = panel_of(a.w, panel);
    for (int64_t tile = first_tile; tile < last_tile; ++tile) {
      const int64_t row = tiles.first(tile), rows = tiles.first(tile + 1) - row;
      tile_of(a.w, rows)(totals, records(row), data, groups);
      finish(totals, row, rows, panel * kQuantizedPanel);
    }
  }

  void run(int64_t task) const {
    const int64_t columns = divide_up(panels, panels_per_task);
    const int64_t tile = task / columns * tiles_per_task, panel = task % columns * panels_per_task;
    for (int64_t p = panel; p < smaller(panel + panels_per_task, panels); ++p)
      multiply_panel(p, tile, smaller(tile + tiles_per_task, tiles.count));
  }

  int64_t tasks() const { return divide_up(panels, panels_per_task) * divide_up(tiles.count, tiles_per_task); }
};

template <class T, class C>
void multiply(ThreadPool& pool, const QuantizedMatmul<T, C>& a) {
  if (a.m <= 0 || a.w.n <= 0) return;
  const Job<T, C> job(a);
  for_rows(pool, a.m, a.w.k, [&](int64_t row) { job.quantize_row(row); });
  pool.parallel_for(job.tasks(), [&](int64_t task, int) { job.run(task); });
}

// A group of one row of the matrix, without its scale.
void read_group(float (&q)[kQuantizedGroup], QuantizedKind kind, const std::byte* quads, int64_t row) {
  for (int64_t e = 0; e < kQuantizedGroup; ++e) {
    const int64_t j = e / 4, at = 4 * row + e % 4;
    const bool wide = kind == QuantizedKind::kInt8;
    const auto stored = static_cast<int32_t>(quads[64 * (wide ? j : j % 4) + at]);
    const int32_t number = wide ? stored : j < 4 ? stored & 15 : stored >> 4;
    q[e] = static_cast<float>(number - shift_of(kind));
  }
}

template <class T>
void dequantize_row(T* y, const QuantizedMatrix& w, int64_t row, float multiplier) {
  const PanelData panel = panel_of(w, row / kQuantizedPanel);
  const int64_t lane = row % kQuantizedPanel;
  float q[kQuantizedGroup];
  for (int64_t g = 0; g < quantized_groups(w.k); ++g) {
    read_group(q, w.kind, panel.quads + g * quantized_group_bytes(w.kind), lane);
    const int64_t at = g * kQuantizedPanel + lane, col = g * kQuantizedGroup;
    const F32 scale(to_float(panel.scales[at])), factor(multiplier);
    const F32 offset(panel.offsets != nullptr ? to_float(panel.offsets[at]) : 0.0f);
    for_lanes(smaller(kQuantizedGroup, w.k - col),
              [&](int64_t i, int64_t n) { store(y + col + i, fused(load(q + i, n), scale, offset) * factor, n); });
  }
}

template <class T>
void rows(ThreadPool& pool, const QuantizedRows<T>& a) {
  for_rows(pool, a.rows, a.w.k, [&](int64_t r) {
    dequantize_row(a.y + r * a.w.k, a.w, a.tokens != nullptr ? a.tokens[r] : r, static_cast<float>(a.multiplier));
  });
}

}  // namespace

template <>
void pack_quantized_panel<kIsa>(const PackQuantizedPanel& a) {
  pack_panel(a);
}
template <>
void quantized_matmul<kIsa>(ThreadPool& pool, const QuantizedMatmul<float>& a) {
  multiply(pool, a);
}
template <>
void quantized_matmul<kIsa>(ThreadPool& pool, const QuantizedMatmul<bfloat16>& a) {
  multiply(pool, a);
}
template <>
void quantized_matmul<kIsa>(ThreadPool& pool, const QuantizedMatmul<bfloat16, float>& a) {
  multiply(pool, a);
}
template <>
void quantized_rows<kIsa>(ThreadPool& pool, const QuantizedRows<float>& a) {
  rows(pool, a);
}
template <>
void quantized_rows<kIsa>(ThreadPool& pool, const QuantizedRows<bfloat16>& a) {
  rows(pool, a);
}

}  // namespace maru::kernels
