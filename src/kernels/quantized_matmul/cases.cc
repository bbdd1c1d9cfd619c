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
  std::string name() const {
    return fmt::format("{}, {} x {} x {}{}{}{}", kind == QuantizedKind::kInt8 ? "int8" : "int4", m, n, k,
                       bias ? ", bias" : "", multiplier != 1 ? ", scaled" : "", offsets ? ", offsets" : "");
  }
  double flops() const { return 2.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k); }
  double bytes(double element_bytes) const {
    return element_bytes * static_cast<double>(m * (k + n)) +
           static_cast<double>(quantized_quads_bytes(kind, n, k) + quantized_scales_bytes(n, k) * (offsets ? 2 : 1));
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
    CHECK(quantize_matrix<float>(stream, {s.kind, quads.data(), scales.data(), w.data(), s.k, s.n, s.k}));
    if (!s.offsets) return;
    for (float x : in.normal<float>(static_cast<int64_t>(scales.size()))) offsets.push_back(to_float16(x));
  }

  QuantizedMatrix matrix() const {
    return {shape.kind, shape.n, shape.k, quads.data(), scales.data(), shape.offsets ? offsets.data() : nullptr};
  }
  void multiply(CpuStream& stream, int64_t first, int64_t rows) {
    scratch.assign(static_cast<size_t>(quantized_matmul_scratch_bytes(rows, shape.k)), std::byte{0xff});
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
  void run(CpuStream& stream) {
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
  bool rows_alone(CpuStream& stream) {
    multiply(stream, 0, shape.m);
    const std::vector<T> together = c;
    for (int64_t r : {int64_t{0}, shape.m / 2, shape.m - 1}) multiply(stream, r, 1);
    return std::memcmp(together.data(), c.data(), c.size() * sizeof(T)) == 0;
  }

 private:
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
    for (int64_t m : {1, 16, 512}) add_benchmarks<Problem>(cases, "quantized_matmul", Shape{kind, m, 2048, 1024});
  }
}

}  // namespace maru::kernels
