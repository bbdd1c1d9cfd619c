// Where the sum of experts is tested and timed.
#include <fmt/format.h>

#include <cstring>

#include "kernels/moe/moe.h"
#include "kernels/testing.h"

namespace maru::kernels {
namespace {

struct Shape {
  int64_t rows, cols, per_token;
  std::string name() const { return fmt::format("{} x {}, {} experts each", rows, cols, per_token); }
  double flops() const { return 2 * static_cast<double>(rows * cols * per_token); }
  double bytes(double element_bytes) const {
    return element_bytes * static_cast<double>(rows * cols * (per_token + 1));
  }
};

template <class T>
struct Problem {
  Shape shape;
  std::vector<T> x, y;
  std::vector<Accumulator<T>> weights;
  std::vector<int32_t> places;

  Problem(Inputs& in, const Shape& s)
      : shape(s),
        x(in.normal<T>(s.rows * s.per_token * s.cols)),
        y(in.blank<T>(s.rows * s.cols)),
        weights(in.normal<Accumulator<T>>(s.rows * s.per_token)),
        places(in.integers(s.rows * s.per_token, s.rows * s.per_token)) {}

  void run_rows(auto& stream, int64_t first, int64_t rows) {
    combine<T>(stream, {.y = y.data() + first * shape.cols,
                        .x = x.data(),
                        .weights = weights.data() + first * shape.per_token,
                        .places = places.data() + first * shape.per_token,
                        .rows = rows,
                        .cols = shape.cols,
                        .per_token = shape.per_token});
  }
  void run(auto& stream) { run_rows(stream, 0, shape.rows); }
  template <class Visit>
  void outputs(Visit&& visit) {
    visit("y", y);
  }
  std::vector<Tolerance> tolerances() const {
    std::vector<double> terms(y.size());
    for (int64_t i = 0; i < shape.rows * shape.per_token; ++i)
      for (int64_t c = 0; c < shape.cols; ++c)
        terms[static_cast<size_t>(i / shape.per_token * shape.cols + c)] += std::abs(
            weights[static_cast<size_t>(i)] * x[static_cast<size_t>(places[static_cast<size_t>(i)] * shape.cols + c)]);
    return {{sum_roundings(shape.per_token), terms}};
  }
  bool rows_alone(auto& stream) {
    run(stream);
    const std::vector<T> together = y;
    for (int64_t r : {int64_t{0}, shape.rows / 2, shape.rows - 1}) run_rows(stream, r, 1);
    return std::memcmp(together.data(), y.data(), y.size() * sizeof(T)) == 0;
  }
};

}  // namespace

void moe_cases(std::vector<OpCase>& cases) {
  for (const Shape& shape : {Shape{1, 1, 1}, Shape{3, 7, 2}, Shape{65, 257, 8}})
    add_cases<Problem>(cases, "moe", shape);
  add_benchmarks<Problem>(cases, "moe", Shape{512, 2048, 8});
}

}  // namespace maru::kernels
