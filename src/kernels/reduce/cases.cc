// Where reductions are tested and timed.
#include <fmt/format.h>

#include "kernels/reduce/reduce.h"
#include "kernels/testing.h"

namespace maru::kernels {
namespace {

struct Shape {
  int64_t count;
  double scale = 1;
  std::string name() const { return fmt::format("{}{}", count, scale != 1 ? ", huge values" : ""); }
  double flops() const { return 4 * static_cast<double>(count); }
  double bytes(double element_bytes) const { return 2 * element_bytes * static_cast<double>(count); }
};

template <class T>
struct Problem {
  Shape shape;
  std::vector<T> x;
  std::vector<double> partial, sum, top;

  Problem(Inputs& in, const Shape& s)
      : shape(s), x(in.normal<T>(s.count, s.scale)), sum(in.blank<double>(1)), top(in.blank<double>(1)) {}

  void run(auto& stream) {
    reserve_blank(partial, reduce_partials(stream, shape.count));
    Reduce<T> a{.result = sum.data(), .partial = partial.data(), .x = x.data(), .count = shape.count};
    sum_of_squares(stream, a);
    a.result = top.data();
    max_abs(stream, a);
  }
  template <class Visit>
  void outputs(Visit&& visit) {
    visit("sum", sum);
    visit("top", top);
  }
  // Squares are exact and sums are in double, whose roundings are this much smaller than a float's.
  std::vector<Tolerance> tolerances() const {
    const double roundings = sum_roundings(shape.count) * kUnitRoundoff<double> / kUnitRoundoff<float>;
    return {{roundings, sum}, {0, top}};
  }
};

}  // namespace

void reduce_cases(std::vector<OpCase>& cases) {
  for (const Shape& shape : {Shape{0}, Shape{1}, Shape{37}, Shape{16384}, Shape{70001}, Shape{40000, 1e30}})
    cases.push_back(test_case<Problem, float>("reduce", shape));
  cases.push_back(benchmark_case<Problem, float>("reduce", Shape{8192 * 512}));
}

}  // namespace maru::kernels
