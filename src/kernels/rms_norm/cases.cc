// Where RMS normalisation is tested and timed.
#include <fmt/format.h>

#include <cstring>

#include "kernels/rms_norm/rms_norm.h"
#include "kernels/testing.h"

namespace maru::kernels {
namespace {

struct Shape {
  int64_t rows, cols;
  bool add_dx = false;
  double weight_offset = 0;
  std::string name() const {
    return fmt::format("{} x {}{}{}", rows, cols, add_dx ? ", adding to dx" : "",
                       weight_offset != 0 ? ", weights with an offset" : "");
  }
  double elements() const { return static_cast<double>(rows * cols); }
  double flops() const { return 12 * elements(); }
  double bytes(double element_bytes) const { return (add_dx ? 6 : 5) * element_bytes * elements(); }
};

template <class T>
struct Problem {
  using A = Accumulator<T>;
  Shape shape;
  std::vector<T> x, weight, dy, y, dx;
  std::vector<A> rstd, dweight, partial;

  Problem(Inputs& in, const Shape& s)
      : shape(s),
        x(in.normal<T>(s.rows * s.cols)),
        weight(in.normal<T>(s.cols, 0.1, 1)),
        dy(in.normal<T>(s.rows * s.cols)),
        y(in.blank<T>(s.rows * s.cols)),
        dx(in.gradient<T>(s.rows * s.cols, s.add_dx)),
        rstd(in.blank<A>(s.rows)),
        dweight(in.gradient<A>(s.cols, true)) {}

  void forward_rows(auto& stream, int64_t first, int64_t rows) {
    const int64_t offset = first * shape.cols;
    rms_norm_forward<T>(stream, {.y = y.data() + offset,
                                 .rstd = rstd.data() + first,
                                 .x = x.data() + offset,
                                 .weight = weight.data(),
                                 .rows = rows,
                                 .cols = shape.cols,
                                 .eps = 1e-5,
                                 .weight_offset = shape.weight_offset});
  }
  void forward(auto& stream) { forward_rows(stream, 0, shape.rows); }
  void run(auto& stream) {
    forward(stream);
    reserve_blank(partial, rms_norm_partials(stream, shape.rows, shape.cols) * shape.cols);
    rms_norm_backward<T>(stream, {.dx = dx.data(),
                                  .add_dx = shape.add_dx,
                                  .dweight = dweight.data(),
                                  .partial = partial.data(),
                                  .dy = dy.data(),
                                  .x = x.data(),
                                  .weight = weight.data(),
                                  .rstd = rstd.data(),
                                  .rows = shape.rows,
                                  .cols = shape.cols,
                                  .weight_offset = shape.weight_offset});
  }
  template <class Visit>
  void outputs(Visit&& visit) {
    visit("y", y);
    visit("rstd", rstd);
    visit("dx", dx);
    visit("dweight", dweight);
  }
  template <class Visit>
  void inputs(Visit&& visit) {
    visit(x, dx);
    visit(weight, dweight);
  }
  template <class Visit>
  void results(Visit&& visit) {
    visit(y, dy);
  }

  std::vector<Tolerance> tolerances() const {
    std::vector<double> dx_terms(x.size()), dweight_terms(weight.size(), 1.0);
    for (int64_t r = 0; r < shape.rows; ++r) {
      double terms = 0;  // of the dot product in dx
      for (int64_t c = 0; c < shape.cols; ++c) terms += std::abs(at(dy, r, c) * at(x, r, c) * full_weight(c));
      for (int64_t c = 0; c < shape.cols; ++c) {
        const double before = std::abs(at(dx, r, c)) + std::abs(at(dy, r, c) * full_weight(c) * rstd[r]);
        dx_terms[index(r, c)] = before + std::abs(at(x, r, c)) * terms * std::pow(rstd[r], 3) / shape.cols;
        dweight_terms[c] += std::abs(at(dy, r, c) * at(x, r, c) * rstd[r]);
      }
    }
    const double row = sum_roundings(shape.cols), column = sum_roundings(shape.rows) + row;
    return {{row, magnitude(y)}, {row, magnitude(rstd)}, {row, dx_terms}, {column, dweight_terms}};
  }

  bool rows_alone(auto& stream) {
    forward(stream);
    const std::vector<T> together = y;
    for (int64_t r : {int64_t{0}, shape.rows / 2, shape.rows - 1}) forward_rows(stream, r, 1);
    return std::memcmp(together.data(), y.data(), y.size() * sizeof(T)) == 0;
  }

 private:
  double full_weight(int64_t c) const { return shape.weight_offset + weight[static_cast<size_t>(c)]; }
  size_t index(int64_t r, int64_t c) const { return static_cast<size_t>(r * shape.cols + c); }
  double at(const std::vector<T>& array, int64_t r, int64_t c) const { return array[index(r, c)]; }
};

}  // namespace

void rms_norm_cases(std::vector<OpCase>& cases) {
  for (const Shape& shape :
       {Shape{1, 1}, Shape{3, 7}, Shape{5, 64, true}, Shape{129, 257}, Shape{70, 1000, true}, Shape{9, 100, true, 1}})
    add_cases<Problem>(cases, "rms_norm", shape);
  add_benchmarks<Problem>(cases, "rms_norm", Shape{8192, 512});
}

}  // namespace maru::kernels
