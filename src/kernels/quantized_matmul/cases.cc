// Where products with quantized weights are tested and timed.
#include <fmt/format.h>

#include <cstring>

#include "base/error.h"
#include "kernels/quantized_matmul/quantized_matmul.h"
#include "kernels/quantized_matmul/reference.h"
#include "kernels/testing.h"

namespace maru::kernels {
namespace {

struct Shape {
  QuantizedKind kind;
  int64_t m, n, k;
  bool bias = false;
  double multiplier = 1;
  bool offsets = false;
  QuantizedLayout layout = QuantizedLayout::kPanels;
  bool blocks() const { return layout == QuantizedLayout::kBlocks; }
  std::string name() const {
    return fmt::format("{}{}, {} x {} x {}{}{}{}", kind == QuantizedKind::kInt8 ? "int8" : "int4",
                       blocks() ? " blocks" : "", m, n, k, bias ? ", bias" : "", multiplier != 1 ? ", scaled" : "",
                       offsets ? ", offsets" : "");
  }
  double flops() const { return 2.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k); }
  double bytes(double element_bytes) const {
    return element_bytes * static_cast<double>(m * (k + n)) +
           static_cast<double>(blocks() ? quantized_blocks_bytes(kind, n, k)
                                        : quantized_quads_bytes(kind, n, k) +
                                              quantized_scales_bytes(n, k) * (offsets ? 2 : 1));
  }
};

constexpr int64_t kGap = 3;  // leading dimensions are larger than the rows

// The product, and the first rows of the matrix as numbers.
template <class T>
struct Problem {
  Shape shape;
  int64_t ldx, ldc;
  std::vector<T> x, bias, c, y;
  std::vector<std::byte> quads, scratch;
  std::vector<float16> scales, offsets;

  Problem(Inputs& in, const Shape& s)
      : shape(s),
        ldx(s.k + kGap),
        ldc(s.n + kGap),
        x(in.normal<T>(s.m * ldx)),
        bias(in.normal<T>(s.n)),
        c(in.normal<T>(s.m * ldc)),
        y(in.blank<T>(s.n * s.k)),
        quads(static_cast<size_t>(quantized_quads_bytes(s.kind, s.n, s.k)), std::byte{0xff}),
        scales(static_cast<size_t>(quantized_scales_bytes(s.n, s.k)) / sizeof(float16)) {
    const std::vector<float> w = in.normal<float>(s.n * s.k);
    ThreadPool pool(1);
    CpuStream stream{&pool, Isa::kScalar};
    int32_t fits = 0;
    quantize_matrix<float>(stream, {s.kind, quads.data(), scales.data(), w.data(), s.k, s.n, s.k, &fits});
    CHECK(fits == 1);
    if (s.blocks()) to_blocks();
    if (!s.offsets) return;
    for (float x : in.normal<float>(static_cast<int64_t>(scales.size()))) offsets.push_back(to_float16(x));
  }

  QuantizedMatrix matrix() const {
    return {shape.kind,  shape.n, shape.k, quads.data(), scales.data(), shape.offsets ? offsets.data() : nullptr,
            shape.layout};
  }
  void multiply(auto& stream, int64_t first, int64_t rows) {
    scratch.assign(static_cast<size_t>(quantized_matmul_scratch_bytes(stream, rows, shape.k)), std::byte{0xff});
    quantized_matmul<T>(stream, {.c = c.data() + first * ldc,
                                 .ldc = ldc,
                                 .x = x.data() + first * ldx,
                                 .ldx = ldx,
                                 .m = rows,
                                 .w = matrix(),
                                 .multiplier = shape.multiplier,
                                 .bias = shape.bias ? bias.data() : nullptr,
                                 .scratch = scratch.data()});
  }
  void run(auto& stream) {
    multiply(stream, 0, shape.m);
    quantized_rows<T>(
        stream, {.y = y.data(), .w = matrix(), .tokens = nullptr, .rows = shape.n, .multiplier = shape.multiplier});
  }
  template <class Visit>
  void outputs(Visit&& visit) {
    visit("c", c);
    visit("y", y);
  }

  // One rounding per group (two with offsets), two per chunk of 4 groups, and the last.
  std::vector<Tolerance> tolerances() const {
    return {{sum_roundings((shape.offsets ? 3 : 2) * quantized_groups(shape.k) + 2), magnitudes()},
            {sum_roundings(2), magnitude(y)}};
  }
  bool rows_alone(auto& stream) {
    multiply(stream, 0, shape.m);
    const std::vector<T> together = c;
    for (int64_t r : {int64_t{0}, shape.m / 2, shape.m - 1}) multiply(stream, r, 1);
    return std::memcmp(together.data(), c.data(), c.size() * sizeof(T)) == 0;
  }

 private:
  // The same numbers row by row; what is read from scales then would show.
  void to_blocks() {
    const QuantizedMatrix panels{shape.kind, shape.n, shape.k, quads.data(), scales.data()};
    std::vector<std::byte> blocks;
    for (int64_t r = 0; r < shape.n; ++r)
      for (int64_t first = 0; first < shape.k; first += kQuantizedGroup) {
        const float16 scale = to_float16(static_cast<float>(reference::quantized_scale(panels, r, first)));
        const auto* bytes = reinterpret_cast<const std::byte*>(&scale);
        blocks.insert(blocks.end(), bytes, bytes + sizeof scale);
        const auto q = [&](int64_t e) { return reference::quantized_element(panels, r, first + e); };
        for (int64_t e = 0; e < (shape.kind == QuantizedKind::kInt8 ? 32 : 16); ++e)
          blocks.push_back(
              static_cast<std::byte>(shape.kind == QuantizedKind::kInt8 ? q(e) : (q(e) + 8) | (q(16 + e) + 8) << 4));
      }
    quads = std::move(blocks);
    std::fill(scales.begin(), scales.end(), to_float16(__builtin_nanf("")));
  }
  // |c| + multiplier · |x| · (|scale · q| + |offset|), of the numbers as rounded.
  std::vector<double> magnitudes() const {
    std::vector<double> sizes = magnitude(c);
    for (int64_t i = 0; i < shape.m; ++i) {
      const std::vector<double> row = reference::quantized_activations(x.data() + i * ldx, shape.k);
      for (int64_t j = 0; j < shape.n; ++j)
        for (int64_t p = 0; p < shape.k; ++p) sizes[i * ldc + j] += std::abs(shape.multiplier * row[p]) * size(j, p);
    }
    return sizes;
  }
  double size(int64_t row, int64_t col) const {
    const double offset = std::abs(reference::quantized_offset(matrix(), row, col));
    return std::abs(reference::quantized_scale(matrix(), row, col) * reference::quantized_element(matrix(), row, col)) +
           offset;
  }
};

}  // namespace

void quantized_matmul_cases(std::vector<OpCase>& cases) {
  for (QuantizedKind kind : {QuantizedKind::kInt8, QuantizedKind::kInt4}) {
    for (const Shape& shape : {Shape{kind, 1, 1, 1}, Shape{kind, 1, 33, 129, true}, Shape{kind, 5, 16, 32, false, 0.3},
                               Shape{kind, 17, 47, 255}, Shape{kind, 40, 100, 511, true, 3.0},
                               Shape{kind, 3, 33, 97, false, 0.5, true}, Shape{kind, 29, 80, 320, true, 1, true}})
      add_cases<Problem>(cases, "quantized_matmul", shape);
    constexpr auto kBlocks = QuantizedLayout::kBlocks;
    for (const Shape& shape :
         {Shape{kind, 1, 33, 160, true, 1, false, kBlocks}, Shape{kind, 1, 48, 32, false, 0.3, false, kBlocks},
          Shape{kind, 29, 80, 320, true, 1, false, kBlocks}})
      add_cases<Problem>(cases, "quantized_matmul", shape);
    for (QuantizedLayout layout : {QuantizedLayout::kPanels, kBlocks})
      for (int64_t m : {1, 16, 512})
        add_benchmarks<Problem>(cases, "quantized_matmul", Shape{kind, m, 2048, 1024, false, 1, false, layout});
  }
}

}  // namespace maru::kernels
