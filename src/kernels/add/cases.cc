// Where elementwise sums are tested and timed.
#include <fmt/format.h>

#include "kernels/add/add.h"
#include "kernels/testing.h"

namespace maru::kernels {
namespace {

struct Shape {
  int64_t count;
  double alpha = 1;
  bool in_place = false;
  std::string name() const {
    return fmt::format("{}{}{}", count, alpha != 1 ? ", scaled" : "", in_place ? ", in place" : "");
  }
  double elements() const { return static_cast<double>(count); }
  double flops() const { return 6 * elements(); }
  double bytes(double element_bytes) const { return (7 * element_bytes + 8) * elements(); }
};

// y = x + alpha · z; backward: dx = dy, dz = alpha · dy, and an accumulated sum of dz.
template <class T>
struct Problem {
  using A = Accumulator<T>;
  Shape shape;
  std::vector<T> x, z, dy, y, dx, dz;
  std::vector<A> sum;

  Problem(Inputs& in, const Shape& s)
      : shape(s),
        x(in.normal<T>(s.count)),
        z(in.normal<T>(s.count)),
        dy(in.normal<T>(s.count)),
        y(s.in_place ? x : in.blank<T>(s.count)),
        dx(in.gradient<T>(s.count, true)),
        dz(in.gradient<T>(s.count, false)),
        sum(in.gradient<A>(s.count, true)) {}

  void forward(auto& stream) {
    if (shape.in_place) y = x;
    add<T>(stream, {.y = y.data(),
                    .x = shape.in_place ? y.data() : x.data(),
                    .z = z.data(),
                    .count = shape.count,
                    .alpha = shape.alpha});
  }
  void run(auto& stream) {
    forward(stream);
    scale<T>(stream, {.y = dx.data(), .x = dy.data(), .count = shape.count, .add = true});
    scale<T>(stream, {.y = dz.data(), .x = dy.data(), .count = shape.count, .alpha = shape.alpha});
    accumulate<T>(stream, {.sum = sum.data(), .x = dy.data(), .count = shape.count, .alpha = shape.alpha});
  }
  template <class Visit>
  void outputs(Visit&& visit) {
    visit("y", y);
    visit("dx", dx);
    visit("dz", dz);
    visit("sum", sum);
  }
  template <class Visit>
  void inputs(Visit&& visit) {
    visit(x, dx);
    visit(z, dz);
    visit(z, sum);
  }
  template <class Visit>
  void results(Visit&& visit) {
    visit(y, dy);
  }

  std::vector<Tolerance> tolerances() const {
    const double terms = 2 * (1 + std::abs(shape.alpha)) * (largest(x) + largest(z) + largest(dy));
    const std::vector<double> all(x.size(), terms);
    return {{1, all}, {1, all}, {1, magnitude(dz)}, {1, all}};
  }
};

}  // namespace

void add_cases(std::vector<OpCase>& cases) {
  for (const Shape& shape : {Shape{1}, Shape{37, 0.22}, Shape{16384, 1, true}, Shape{50001, -1.5}})
    add_cases<Problem>(cases, "add", shape);
  add_benchmarks<Problem>(cases, "add", Shape{8192 * 512});
}

}  // namespace maru::kernels
