// Where means over spans of rows are tested and timed.
#include <fmt/format.h>

#include <cstring>

#include "kernels/pooling/pooling.h"
#include "kernels/testing.h"

namespace maru::kernels {
namespace {

struct Shape {
  int64_t spans, longest, cols;  // span i has 1 + i · 7 % longest rows, and a row that belongs to none behind it
  bool add = false;
  Pooling pooling = Pooling::kMean;
  std::string name() const {
    return fmt::format("{} spans x {}{}{}", spans, cols, add ? ", adding to dx" : "",
                       pooling == Pooling::kFirst  ? ", first rows"
                       : pooling == Pooling::kLast ? ", last rows"
                                                   : "");
  }
  int64_t rows_of(int64_t span) const { return 1 + span * 7 % longest; }
  int64_t rows() const {
    int64_t sum = 0;
    for (int64_t i = 0; i < spans; ++i) sum += rows_of(i) + 1;
    return sum;
  }
  double elements() const { return static_cast<double>(rows() * cols); }
  double flops() const { return 2 * elements(); }
  double bytes(double element_bytes) const { return (add ? 3 : 2) * element_bytes * elements(); }
};

template <class T>
struct Problem {
  Shape shape;
  std::vector<T> x, dy, y, dx;
  std::vector<AttentionSpan> spans;

  Problem(Inputs& in, const Shape& s)
      : shape(s),
        x(in.normal<T>(s.rows() * s.cols)),
        dy(in.normal<T>(s.spans * s.cols)),
        y(in.blank<T>(s.spans * s.cols)),
        dx(in.gradient<T>(s.rows() * s.cols, s.add)) {
    int64_t first = 0;
    for (int64_t i = 0; i < s.spans; ++i) {
      spans.push_back({.first_row = first, .rows = s.rows_of(i)});
      first += s.rows_of(i) + 1;
    }
  }

  void forward_spans(auto& stream, int64_t first, int64_t count) {
    pooling_forward<T>(stream, {.y = y.data() + first * shape.cols,
                                .x = x.data(),
                                .spans = spans.data() + first,
                                .num_spans = count,
                                .cols = shape.cols,
                                .pooling = shape.pooling});
  }
  void forward(auto& stream) { forward_spans(stream, 0, shape.spans); }
  void run(auto& stream) {
    forward(stream);
    pooling_backward<T>(stream, {.dx = dx.data(),
                                 .add_dx = shape.add,
                                 .dy = dy.data(),
                                 .spans = spans.data(),
                                 .num_spans = shape.spans,
                                 .rows = shape.rows(),
                                 .cols = shape.cols,
                                 .pooling = shape.pooling});
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

  std::vector<Tolerance> tolerances() const {
    std::vector<double> y_terms(y.size()), dx_terms = magnitude(dx);
    for (int64_t s = 0; s < shape.spans; ++s) {
      const PooledRows pooled = pooled_rows(spans[s], shape.pooling);
      for (int64_t r = pooled.first; r < pooled.first + pooled.rows; ++r)
        for (int64_t c = 0; c < shape.cols; ++c) {
          const double rows = static_cast<double>(pooled.rows);
          y_terms[s * shape.cols + c] += std::abs(static_cast<double>(x[r * shape.cols + c])) / rows;
          dx_terms[r * shape.cols + c] += std::abs(static_cast<double>(dy[s * shape.cols + c])) / rows;
        }
    }
    return {{sum_roundings(shape.longest), y_terms}, {sum_roundings(1), dx_terms}};
  }

  bool rows_alone(auto& stream) {
    forward(stream);
    const std::vector<T> together = y;
    for (int64_t s : {int64_t{0}, shape.spans / 2, shape.spans - 1}) forward_spans(stream, s, 1);
    return std::memcmp(together.data(), y.data(), y.size() * sizeof(T)) == 0;
  }
};

}  // namespace

void pooling_cases(std::vector<OpCase>& cases) {
  for (const Shape& shape : {Shape{1, 1, 1}, Shape{5, 9, 37, true}, Shape{40, 100, 65}, Shape{3, 513, 384},
                             Shape{5, 9, 37, true, Pooling::kFirst}, Shape{5, 9, 37, false, Pooling::kLast}})
    add_cases<Problem>(cases, "pooling", shape);
  add_benchmarks<Problem>(cases, "pooling", Shape{64, 256, 384});
}

}  // namespace maru::kernels
