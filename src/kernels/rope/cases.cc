// Where rotary position embedding is tested and timed.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "kernels/rope/rope.h"
#include "kernels/testing.h"

namespace maru::kernels {
namespace {

constexpr int64_t kMaxPosition = 300;

struct Shape {
  int64_t rows, heads, head_dim, rotary_dim;
  int64_t gap = 0;  // elements between the rows of x, as in a fused qkv
  bool add_dx = false, in_place = false, interleaved = false;
  std::string name() const {
    return fmt::format("{} x {} heads of {}, {} rotated{}{}{}{}", rows, heads, head_dim, rotary_dim,
                       interleaved ? " as neighbours" : "", gap > 0 ? ", strided" : "", add_dx ? ", adding to dx" : "",
                       in_place ? ", in place" : "");
  }
  int64_t cols() const { return heads * head_dim; }
  int64_t stride() const { return cols() + gap; }
  double elements() const { return static_cast<double>(rows * cols()); }
  double flops() const { return 6 * elements(); }
  double bytes(double element_bytes) const { return (add_dx ? 5 : 4) * element_bytes * elements(); }
};

template <class T>
struct Problem {
  using A = Accumulator<T>;
  Shape shape;
  std::vector<int32_t> positions;
  std::vector<A> cos, sin;
  std::vector<T> x, dy, y, dx;

  Problem(Inputs& in, const Shape& s)
      : shape(s),
        positions(in.integers(s.rows, kMaxPosition)),
        cos(static_cast<size_t>(kMaxPosition * s.rotary_dim / 2)),
        sin(cos),
        x(in.normal<T>(s.rows * s.stride())),
        dy(in.normal<T>(s.rows * s.cols())),
        y(in.blank<T>(s.rows * s.cols())),
        dx(in.gradient<T>(s.rows * s.stride(), s.add_dx)) {
    std::vector<float> c(cos.size()), s_(sin.size());
    rope_table(c.data(), s_.data(), kMaxPosition, s.rotary_dim, 10000);
    std::copy(c.begin(), c.end(), cos.begin());
    std::copy(s_.begin(), s_.end(), sin.begin());
  }

  Rope<T> arguments(int64_t first, int64_t rows) {
    return {.y = y.data() + first * shape.cols(),
            .x = x.data() + first * shape.stride(),
            .y_stride = shape.cols(),
            .x_stride = shape.stride(),
            .interleaved = shape.interleaved,
            .positions = positions.data() + first,
            .cos = cos.data(),
            .sin = sin.data(),
            .rows = rows,
            .heads = shape.heads,
            .head_dim = shape.head_dim,
            .rotary_dim = shape.rotary_dim};
  }
  void forward(auto& stream) {
    Rope<T> a = arguments(0, shape.rows);
    if (shape.in_place) {
      y = x;
      a.x = y.data();
    }
    rope(stream, a);
  }
  void run(auto& stream) {
    forward(stream);
    Rope<T> a = arguments(0, shape.rows);
    a.y = dx.data();
    a.x = dy.data();
    std::swap(a.y_stride, a.x_stride);
    a.add = shape.add_dx;
    a.inverse = true;
    rope(stream, a);
  }
  template <class Visit>
  void outputs(Visit&& visit) {
    visit("y", y);
    visit("dx", dx);
  }
  template <class Visit>
  void inputs(Visit&& visit) {
    visit(x, dx);
  }
  template <class Visit>
  void results(Visit&& visit) {
    visit(y, dy);
  }

  // Each element is a sum of two products, and of what was there: sizes of whole rows will do.
  std::vector<Tolerance> tolerances() const {
    return {{sum_roundings(2), std::vector<double>(y.size(), largest(x))},
            {sum_roundings(3), std::vector<double>(dx.size(), largest(dy) + largest(dx))}};
  }

  bool rows_alone(auto& stream) {
    rope(stream, arguments(0, shape.rows));
    const std::vector<T> together = y;
    for (int64_t r : {int64_t{0}, shape.rows / 2, shape.rows - 1}) rope(stream, arguments(r, 1));
    return std::memcmp(together.data(), y.data(), y.size() * sizeof(T)) == 0;
  }
};

}  // namespace

void rope_cases(std::vector<OpCase>& cases) {
  for (const Shape& shape : {Shape{1, 1, 2, 2}, Shape{5, 3, 64, 64}, Shape{9, 2, 30, 14, 5, true},
                             Shape{70, 4, 96, 96, 0, true}, Shape{70, 8, 64, 64, 0, false, true},
                             Shape{9, 2, 30, 14, 5, true, false, true}, Shape{70, 4, 64, 64, 0, false, true, true}})
    add_cases<Problem>(cases, "rope", shape);
  add_benchmarks<Problem>(cases, "rope", Shape{8192, 8, 64, 64});
}

}  // namespace maru::kernels
