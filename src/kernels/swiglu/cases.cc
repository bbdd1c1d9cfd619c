// Where SwiGLU is tested and timed.
#include <fmt/format.h>

#include <cstring>

#include "kernels/swiglu/swiglu.h"
#include "kernels/testing.h"

namespace maru::kernels {
namespace {

struct Shape {
  int64_t rows, cols;
  bool halves = false;  // gate and up are the halves of one matrix
  bool add = false;
  double scale = 1;
  std::string name() const {
    return fmt::format("{} x {}{}{}{}", rows, cols, halves ? ", gate and up in one matrix" : "",
                       add ? ", adding to gradients" : "", scale > 1 ? ", saturated" : "");
  }
  int64_t stride() const { return halves ? 2 * cols : cols; }
  double elements() const { return static_cast<double>(rows * cols); }
  double flops() const { return 40 * elements(); }
  double bytes(double element_bytes) const { return (add ? 10 : 8) * element_bytes * elements(); }
};

template <class T>
struct Problem {
  Shape shape;
  int64_t up_offset;
  std::vector<T> both, dy, y, dboth;  // gates, then (or beside them) ups

  Problem(Inputs& in, const Shape& s)
      : shape(s),
        up_offset(s.halves ? s.cols : s.rows * s.cols),
        both(in.normal<T>(2 * s.rows * s.cols, s.scale)),
        dy(in.normal<T>(s.rows * s.cols)),
        y(in.blank<T>(s.rows * s.cols)),
        dboth(in.gradient<T>(2 * s.rows * s.cols, s.add)) {}

  void forward_rows(auto& stream, int64_t first, int64_t rows) {
    const T* gate = both.data() + first * shape.stride();
    swiglu_forward<T>(stream, {.y = y.data() + first * shape.cols,
                               .gate = gate,
                               .up = gate + up_offset,
                               .rows = rows,
                               .cols = shape.cols,
                               .stride = shape.stride()});
  }
  void forward(auto& stream) { forward_rows(stream, 0, shape.rows); }
  void run(auto& stream) {
    forward(stream);
    swiglu_backward<T>(stream, {.dgate = dboth.data(),
                                .dup = dboth.data() + up_offset,
                                .add_dgate = shape.add,
                                .add_dup = shape.add,
                                .dy = dy.data(),
                                .gate = both.data(),
                                .up = both.data() + up_offset,
                                .rows = shape.rows,
                                .cols = shape.cols,
                                .stride = shape.stride()});
  }
  template <class Visit>
  void outputs(Visit&& visit) {
    visit("y", y);
    visit("dboth", dboth);
  }
  template <class Visit>
  void inputs(Visit&& visit) {
    visit(both, dboth);
  }
  template <class Visit>
  void results(Visit&& visit) {
    visit(y, dy);
  }

  // 1 - sigmoid(x) cancels, so its magnitude is 1; a sigmoid below FLT_MIN may become 0.
  std::vector<Tolerance> tolerances() const {
    constexpr double kUnderflow = std::numeric_limits<float>::min() / kUnitRoundoff<float>;
    std::vector<double> terms = magnitude(dboth), y_terms = magnitude(y);
    for (int64_t r = 0; r < shape.rows; ++r)
      for (int64_t c = 0; c < shape.cols; ++c) {
        const size_t i = static_cast<size_t>(r * shape.stride() + c), up = i + static_cast<size_t>(up_offset);
        const size_t j = static_cast<size_t>(r * shape.cols + c);
        const double d = std::abs(dy[j]), g = both[i], s = 1 / (1 + std::exp(-g)) + kUnderflow;
        terms[i] += d * std::abs(both[up]) * s * (1 + std::abs(g));
        y_terms[j] += std::abs(g * both[up]) * s;
        terms[up] += d * s * std::abs(g);
      }
    return {{sum_roundings(1), y_terms}, {sum_roundings(1), terms}};
  }

  bool rows_alone(auto& stream) {
    forward(stream);
    const std::vector<T> together = y;
    for (int64_t r : {int64_t{0}, shape.rows / 2, shape.rows - 1}) forward_rows(stream, r, 1);
    return std::memcmp(together.data(), y.data(), y.size() * sizeof(T)) == 0;
  }
};

}  // namespace

void swiglu_cases(std::vector<OpCase>& cases) {
  for (const Shape& shape : {Shape{1, 1}, Shape{5, 37, true}, Shape{33, 128, false, true}, Shape{60, 1000, true, true},
                             Shape{40, 64, false, false, 60}})
    add_cases<Problem>(cases, "swiglu", shape);
  add_benchmarks<Problem>(cases, "swiglu", Shape{8192, 1376, true});
}

}  // namespace maru::kernels
