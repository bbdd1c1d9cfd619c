// Where the squared rectifier is tested.
#include <fmt/format.h>

#include <cstring>

#include "kernels/testing.h"
#include "relu_squared/relu_squared.h"

namespace maru::kernels {
namespace {

struct Shape {
  int64_t count;
  bool add = false;
  std::string name() const { return fmt::format("{}{}", count, add ? ", adding to the gradient" : ""); }
  double elements() const { return static_cast<double>(count); }
  double flops() const { return 5 * elements(); }
  double bytes(double element_bytes) const { return (add ? 6 : 5) * element_bytes * elements(); }
};

template <class T>
struct Problem {
  Shape shape;
  std::vector<T> x, dy, y, dx;

  Problem(Inputs& in, const Shape& s)
      : shape(s),
        x(in.normal<T>(s.count)),
        dy(in.normal<T>(s.count)),
        y(in.blank<T>(s.count)),
        dx(in.gradient<T>(s.count, s.add)) {}

  void forward_part(auto& stream, int64_t first, int64_t count) {
    relu_squared_forward<T>(stream, {.y = y.data() + first, .x = x.data() + first, .count = count});
  }
  void forward(auto& stream) { forward_part(stream, 0, shape.count); }
  void run(auto& stream) {
    forward(stream);
    relu_squared_backward<T>(
        stream, {.dx = dx.data(), .add_dx = shape.add, .dy = dy.data(), .x = x.data(), .count = shape.count});
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

  // One rounding of a product; two products and a sum, whose terms may cancel.
  std::vector<Tolerance> tolerances() const {
    std::vector<double> terms = magnitude(dx);
    for (size_t i = 0; i < terms.size(); ++i) terms[i] += 2 * std::abs(2 * x[i] * dy[i]);
    return {{1, magnitude(y)}, {3, terms}};
  }

  bool rows_alone(auto& stream) {
    forward(stream);
    const std::vector<T> together = y;
    for (int64_t i : {int64_t{0}, shape.count / 2, shape.count - 1}) forward_part(stream, i, 1);
    return std::memcmp(together.data(), y.data(), y.size() * sizeof(T)) == 0;
  }
};

}  // namespace

void relu_squared_cases(std::vector<OpCase>& cases) {
  for (const Shape& shape : {Shape{1}, Shape{37, true}, Shape{257}, Shape{50001, true}})
    add_cases<Problem>(cases, "relu_squared", shape);
}

}  // namespace maru::kernels
