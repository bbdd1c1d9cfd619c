// Quantized matrix multiplication, SIMD. Compiled once per instruction set.
//
// First the rows of x are quantized into records (records.h). Then a task takes a few panels of w and a block of rows:
// a panel (or two) after the other, tile after tile, so that panels stay in L1 and the block of rows in L2. How many
// panels a task takes depends on the number of threads: the next ones are fetched while these are multiplied, which is
// in vain where another thread takes them. The bits do not depend on tasks: each output is summed within one tile.
// Panels of a matrix in blocks are staged piece by piece along k, and every tile is multiplied with the piece.
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
#include "kernels/quantized_matmul/block_rows.h"
#include "kernels/quantized_matmul/dequantize_row.h"
#include "kernels/quantized_matmul/pack_panel.h"
#include "kernels/quantized_matmul/quantize_chunk.h"
#include "kernels/quantized_matmul/stage.h"

namespace maru::kernels {
namespace {

constexpr int64_t kTaskBytes = 512 * 1024;   // of weights per task at most
constexpr int64_t kTasksPerThread = 4;       // at least, if there are panels enough: so that threads end together
constexpr int64_t kBlockBytes = 256 * 1024;  // of records per task: a quarter of L2
constexpr int64_t kStagedTiles = 48;         // per task at most, whose totals wait for the next piece
constexpr int64_t kFewTurns = 8;             // of staging and multiplying
constexpr int64_t kFetchAhead = 4096;        // bytes: a page
constexpr int64_t kTileTotals = kTileRows * kTilePanels * kQuantizedPanel;

// How the rows of x are cut: tiles of about the same number of rows.
struct Tiles {
  int64_t rows, count;
  explicit Tiles(int64_t m) : rows(m), count(divide_up(m, kTileRows)) {}
  int64_t first(int64_t tile) const { return tile * rows / count; }
  // The last one that begins at or before the row.
  int64_t of(int64_t row) const { return ((row + 1) * count - 1) / rows; }
};

using MultiplyTile = void (*)(const Tile&);

template <QuantizedKind kKind, bool kOffsets, int kPanels, int... kRows>
MultiplyTile tile_of(int64_t rows, std::integer_sequence<int, kRows...>) {
  static constexpr MultiplyTile kTable[] = {multiply_tile<kKind, kOffsets, kRows + 1, kPanels>...};
  return kTable[rows - 1];
}
template <QuantizedKind kKind, bool kOffsets>
MultiplyTile tile_of(int64_t rows, int64_t panels) {
  const auto all = std::make_integer_sequence<int, kTileRows>();
  return panels == 1 ? tile_of<kKind, kOffsets, 1>(rows, all) : tile_of<kKind, kOffsets, kTilePanels>(rows, all);
}
template <QuantizedKind kKind>
MultiplyTile tile_of(bool offsets, int64_t rows, int64_t panels) {
  return offsets ? tile_of<kKind, true>(rows, panels) : tile_of<kKind, false>(rows, panels);
}
MultiplyTile tile_of(const QuantizedMatrix& w, int64_t rows, int64_t panels) {
  return w.kind == QuantizedKind::kInt8 ? tile_of<QuantizedKind::kInt8>(w.offsets != nullptr, rows, panels)
                                        : tile_of<QuantizedKind::kInt4>(w.offsets != nullptr, rows, panels);
}

// The number of things per task, at most `most` and as even as can be.
int64_t even_share(int64_t count, int64_t most) { return divide_up(count, divide_up(count, larger(1, most))); }

template <class T, class C>
struct Job {
  const QuantizedMatmul<T, C>& a;
  Tiles tiles;
  int64_t groups, chunks, panels, tile_panels, panels_per_task, tiles_per_task;

  Job(const QuantizedMatmul<T, C>& args, int64_t threads)
      : a(args),
        tiles(args.m),
        groups(quantized_groups(args.w.k)),
        chunks(divide_up(groups, kGroupsPerChunk)),
        panels(quantized_panels(args.w.n)),
        tile_panels(tiles.count == 1 ? 1 : kTilePanels),  // see tile_avx512.h
        panels_per_task(tile_panels * share_of_panels(threads)),
        tiles_per_task(even_share(tiles.count, most_tiles())) {}

  int64_t most_tiles() const {
    const int64_t most = kBlockBytes / larger(1, kTileRows * chunks * kChunkRecord);
    return a.w.layout == QuantizedLayout::kBlocks ? smaller(most, kStagedTiles) : most;
  }

  // In pairs, where tiles take two.
  int64_t share_of_panels(int64_t threads) const {
    const int64_t bytes = tile_panels * groups * quantized_group_bytes(a.w.kind);
    return larger(1, smaller(kTaskBytes / larger(1, bytes), panels / (tile_panels * kTasksPerThread * threads)));
  }

  int64_t rows_of(int64_t tile) const { return tiles.first(tile + 1) - tiles.first(tile); }
  // Of one tile, from a chunk on.
  std::byte* records_of(int64_t tile, int64_t chunk) const {
    return a.scratch + (tiles.first(tile) * chunks + chunk * rows_of(tile)) * kChunkRecord;
  }

  void quantize_row(int64_t row) const {
    const int64_t tile = tiles.of(row);
    for (int64_t c = 0; c < chunks; ++c)
      quantize_chunk({records_of(tile, c), row - tiles.first(tile), rows_of(tile)},
                     a.x + row * a.ldx + c * kQuantizedChunk, a.w.k - c * kQuantizedChunk, shift_of(a.w.kind));
  }

  void finish(const float* totals, int64_t row, int64_t rows, int64_t panel) const {
    const F32 multiplier(static_cast<float>(a.multiplier));
    for (int64_t r = 0; r < rows; ++r, totals += kTilePanels * kQuantizedPanel)
      for (int64_t p = 0; p < tile_panels; ++p) {
        const int64_t col = (panel + p) * kQuantizedPanel;
        for_lanes(smaller(kQuantizedPanel, a.w.n - col), [&](int64_t i, int64_t n) {
          const F32 bias = a.bias != nullptr ? load(a.bias + col + i, n) : F32();
          store(a.c + (row + r) * a.ldc + col + i, fused(load(totals + p * kQuantizedPanel + i), multiplier, bias), n);
        });
      }
  }

  // A panel's only tile waits for memory: it fetches where the processor's own prefetching would stop, at each page,
  // and goes on with the next panel. Several tiles fetch the panels that follow.
  void set_next_panels(Tile& t, int64_t i, int64_t count) const {
    const int64_t lines = quantized_group_bytes(a.w.kind) / kCacheLine * tile_panels;
    if (tiles.count == 1) {
      t.fetch = {t.panels[0].quads + kFetchAhead, lines};
      return;
    }
    t.fetch = Fetch{t.panels[0].quads + kCacheLine * groups * lines, lines}.share(i, count, groups);
    t.next_scales = t.panels[0].scales + tile_panels * kQuantizedPanel * groups;
  }
  // What the next panels have at this place: rows follow each other, so panels are runs of memory.
  Fetch next_piece(int64_t panel, int64_t group, int64_t of_groups, int64_t i, int64_t count) const {
    const int64_t bytes = quantized_block_bytes(a.w.kind) * tile_panels * kQuantizedPanel;
    const std::byte* next = block_rows_of(a.w, (panel + tile_panels) * kQuantizedPanel).data + group * bytes;
    return Fetch{next, divide_up(bytes, kCacheLine)}.share(i, count, of_groups);
  }

  // A tile that reaches behind the last panel reads that one again, for nothing.
  int64_t panel_at(int64_t panel) const { return smaller(panel, panels - 1); }

  void multiply_panels(int64_t panel, int64_t first_tile, int64_t last_tile) const {
    alignas(64) float totals[kTileTotals];
    PanelData data[kTilePanels];
    for (int64_t p = 0; p < tile_panels; ++p) data[p] = panel_of(a.w, panel_at(panel + p));
    for (int64_t tile = first_tile; tile < last_tile; ++tile) {
      Tile t{totals, records_of(tile, 0), data, groups, {}};
      set_next_panels(t, tile - first_tile, last_tile - first_tile);
      tile_of(a.w, rows_of(tile), tile_panels)(t);
      finish(totals, tiles.first(tile), rows_of(tile), panel);
    }
  }

  // One row takes the blocks as they lie, several what is staged of them; both give the same bits.
  bool takes_blocks(int64_t panel) const { return a.m == 1 && (panel + 1) * kQuantizedPanel <= a.w.n; }

  void multiply_blocks(int64_t panel) const {
    alignas(64) float totals[kQuantizedPanel];
    const auto multiply = a.w.kind == QuantizedKind::kInt8 ? multiply_block_rows<QuantizedKind::kInt8>
                                                           : multiply_block_rows<QuantizedKind::kInt4>;
    for (int64_t lane = 0; lane < kQuantizedPanel; lane += kLanes)
      multiply(totals + lane, a.scratch, block_rows_of(a.w, panel * kQuantizedPanel + lane), groups);
    finish(totals, 0, 1, panel);
  }

  void multiply_staged(int64_t panel, int64_t first_tile, int64_t last_tile) const {
    alignas(64) float totals[kStagedTiles][kTileTotals];
    Stage stages[kTilePanels];
    PanelData data[kTilePanels];
    const int64_t turns = tile_panels + last_tile - first_tile;
    const int64_t piece = turns > kFewTurns ? kStageGroups : kFewGroups;
    for (int64_t g = 0; g < groups; g += piece) {
      const int64_t count = smaller(piece, groups - g);
      for (int64_t p = 0; p < tile_panels; ++p)
        data[p] = stages[p].read(a.w, panel_at(panel + p), g, count, next_piece(panel, g, count, p, turns));
      for (int64_t tile = first_tile; tile < last_tile; ++tile) {
        const Fetch fetch = next_piece(panel, g, count, tile_panels + tile - first_tile, turns);
        const Tile t{totals[tile - first_tile], records_of(tile, g / kGroupsPerChunk), data, count, fetch, g > 0};
        tile_of(a.w, rows_of(tile), tile_panels)(t);
      }
    }
    for (int64_t tile = first_tile; tile < last_tile; ++tile)
      finish(totals[tile - first_tile], tiles.first(tile), rows_of(tile), panel);
  }

  void run(int64_t task) const {
    const int64_t columns = divide_up(panels, panels_per_task);
    const int64_t tile = task / columns * tiles_per_task, panel = task % columns * panels_per_task;
    const int64_t last_tile = smaller(tile + tiles_per_task, tiles.count);
    for (int64_t p = panel; p < smaller(panel + panels_per_task, panels); p += tile_panels) {
      if (a.w.layout == QuantizedLayout::kPanels)
        multiply_panels(p, tile, last_tile);
      else if (takes_blocks(p))
        multiply_blocks(p);
      else
        multiply_staged(p, tile, last_tile);
    }
  }

  int64_t tasks() const { return divide_up(panels, panels_per_task) * divide_up(tiles.count, tiles_per_task); }
};

template <class T, class C>
void multiply(ThreadPool& pool, const QuantizedMatmul<T, C>& a) {
  if (a.m <= 0 || a.w.n <= 0) return;
  const Job<T, C> job(a, pool.size());
  for_rows(pool, a.m, a.w.k, [&](int64_t row) { job.quantize_row(row); });
  pool.parallel_for(job.tasks(), [&](int64_t task, int) { job.run(task); });
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
