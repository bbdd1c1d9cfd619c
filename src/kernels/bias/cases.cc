// Where biases are tested and timed.
#include <fmt/format.h>

#include "kernels/bias/bias.h"
#include "kernels/testing.h"

namespace maru::kernels {
namespace {

struct Shape {
  int64_t rows, cols;
  std::string name() const { return fmt::format("{} x {}", rows, cols); }
  double elements() const { return static_cast<double>(rows * cols); }
  double flops() const { return elements(); }
  double bytes(double element_bytes) const { return 2 * element_bytes * elements(); }
};

template <class T>
struct Problem {
  using A = Accumulator<T>;
  Shape shape;
  std::vector<T> bias, dy, y;
  std::vector<A> dbias;

  Problem(Inputs& in, const Shape& s)
      : shape(s),
        bias(in.normal<T>(s.cols)),
        dy(in.normal<T>(s.rows * s.cols)),
        y(in.blank<T>(s.rows * s.cols)),
        dbias(in.gradient<A>(s.cols, true)) {}

  void forward(CpuStream& stream) {
    bias_forward<T>(stream, {.y = y.data(), .bias = bias.data(), .rows = shape.rows, .cols = shape.cols});
  }
  void run(CpuStream& stream) {
    forward(stream);
    bias_backward<T>(stream, {.dbias = dbias.data(), .dy = dy.data(), .rows = shape.rows, .cols = shape.cols});
  }
  template <class Visit>
  void outputs(Visit&& visit) {
    visit("y", y);
    visit("dbias", dbias);
  }
  template <class Visit>
  void inputs(Visit&& visit) {
    visit(bias, dbias);
  }
  template <class Visit>
  void results(Visit&& visit) {
    visit(y, dy);
  }

  std::vector<Tolerance> tolerances() const {
    std::vector<double> terms = magnitude(dbias);
    for (size_t i = 0; i < dy.size(); ++i) terms[i % bias.size()] += std::abs(static_cast<double>(dy[i]));
    return {{0, magnitude(y)}, {sum_roundings(shape.rows), terms}};
  }
};

}  // namespace

void bias_cases(std::vector<OpCase>& cases) {
  for (const Shape& shape : {Shape{1, 1}, Shape{3, 37}, Shape{257, 65}, Shape{70, 1000}})
    add_cases<Problem>(cases, "bias", shape);
  add_benchmarks<Problem>(cases, "bias", Shape{8192, 512});
}

}  // namespace maru::kernels
