// Where layer normalisation is tested and timed.
#include <fmt/format.h>

#include <cstring>

#include "kernels/layer_norm/layer_norm.h"
#include "kernels/testing.h"

namespace maru::kernels {
namespace {

struct Shape {
  int64_t rows, cols;
  bool bias = true, add_dx = false;
  double mean = 0;  // far from zero, the variance must not cancel
  std::string name() const {
    return fmt::format("{} x {}{}{}{}", rows, cols, bias ? "" : ", no bias", add_dx ? ", adding to dx" : "",
                       mean != 0 ? ", far from zero" : "");
  }
  double elements() const { return static_cast<double>(rows * cols); }
  double flops() const { return 22 * elements(); }
  double bytes(double element_bytes) const { return (add_dx ? 6 : 5) * element_bytes * elements(); }
};

template <class T>
struct Problem {
  using A = Accumulator<T>;
  Shape shape;
  std::vector<T> x, weight, bias, dy, y, dx;
  std::vector<A> mean, rstd, dweight, dbias, partial;

  Problem(Inputs& in, const Shape& s)
      : shape(s),
        x(in.normal<T>(s.rows * s.cols, 1, s.mean)),
        weight(in.normal<T>(s.cols, 0.1, 1)),
        bias(in.normal<T>(s.cols)),
        dy(in.normal<T>(s.rows * s.cols)),
        y(in.blank<T>(s.rows * s.cols)),
        dx(in.gradient<T>(s.rows * s.cols, s.add_dx)),
        mean(in.blank<A>(s.rows)),
        rstd(in.blank<A>(s.rows)),
        dweight(in.gradient<A>(s.cols, true)),
        dbias(in.gradient<A>(s.cols, true)) {}

  void forward_rows(auto& stream, int64_t first, int64_t rows) {
    const int64_t offset = first * shape.cols;
    layer_norm_forward<T>(stream, {.y = y.data() + offset,
                                   .mean = mean.data() + first,
                                   .rstd = rstd.data() + first,
                                   .x = x.data() + offset,
                                   .weight = weight.data(),
                                   .bias = shape.bias ? bias.data() : nullptr,
                                   .rows = rows,
                                   .cols = shape.cols,
                                   .eps = 1e-3});
  }
  void forward(auto& stream) { forward_rows(stream, 0, shape.rows); }
  void run(auto& stream) {
    forward(stream);
    reserve_blank(partial, layer_norm_partials(stream, shape.rows, shape.cols) * shape.cols);
    layer_norm_backward<T>(stream, {.dx = dx.data(),
                                    .add_dx = shape.add_dx,
                                    .dweight = dweight.data(),
                                    .dbias = shape.bias ? dbias.data() : nullptr,
                                    .partial = partial.data(),
                                    .dy = dy.data(),
                                    .x = x.data(),
                                    .weight = weight.data(),
                                    .mean = mean.data(),
                                    .rstd = rstd.data(),
                                    .rows = shape.rows,
                                    .cols = shape.cols});
  }
  template <class Visit>
  void outputs(Visit&& visit) {
    visit("y", y);
    visit("mean", mean);
    visit("rstd", rstd);
    visit("dx", dx);
    visit("dweight", dweight);
    visit("dbias", dbias);
  }
  template <class Visit>
  void inputs(Visit&& visit) {
    visit(x, dx);
    visit(weight, dweight);
    if (shape.bias) visit(bias, dbias);
  }
  template <class Visit>
  void results(Visit&& visit) {
    visit(y, dy);
  }

  // The mean is off by `slack` roundings, which moves every normalised element by slack · rstd.
  std::vector<Tolerance> tolerances() const {
    std::vector<double> y_terms(y.size()), mean_terms(mean.size()), rstd_terms(rstd.size()), dx_terms(x.size());
    std::vector<double> dweight_terms = magnitude(dweight), dbias_terms = magnitude(dbias);
    for (int64_t r = 0; r < shape.rows; ++r) {
      double slack = 0, sum = 0, dot = 0;
      for (int64_t c = 0; c < shape.cols; ++c) slack += std::abs(at(x, r, c)) / shape.cols;
      const auto normal = [&](int64_t c) { return (std::abs(at(x, r, c) - mean[r]) + slack) * rstd[r]; };
      double moved = 0;  // how far a mean that is off changes Σ of squares, relative to the variance
      for (int64_t c = 0; c < shape.cols; ++c) {
        const double d = std::abs(at(dy, r, c) * weight[c]);
        sum += d / shape.cols, dot += d * normal(c) / shape.cols, moved += normal(c) * normal(c) / shape.cols;
      }
      mean_terms[r] = slack, rstd_terms[r] = rstd[r] * (1 + moved);
      for (int64_t c = 0; c < shape.cols; ++c) {
        const double d = std::abs(at(dy, r, c)), n = normal(c) * (1 + moved), w = std::abs(weight[c]);
        y_terms[index(r, c)] = n * w + (shape.bias ? std::abs(bias[c]) : 0);
        dx_terms[index(r, c)] = std::abs(at(dx, r, c)) + rstd[r] * (1 + moved) * (d * w + sum + 2 * n * dot);
        dweight_terms[c] += d * n, dbias_terms[c] += d;
      }
    }
    const double row = sum_roundings(shape.cols), column = sum_roundings(shape.rows) + row;
    return {{row, y_terms},  {row, mean_terms},       {row, rstd_terms},
            {row, dx_terms}, {column, dweight_terms}, {column, dbias_terms}};
  }

  bool rows_alone(auto& stream) {
    forward(stream);
    const std::vector<T> together = y;
    for (int64_t r : {int64_t{0}, shape.rows / 2, shape.rows - 1}) forward_rows(stream, r, 1);
    return std::memcmp(together.data(), y.data(), y.size() * sizeof(T)) == 0;
  }

 private:
  size_t index(int64_t r, int64_t c) const { return static_cast<size_t>(r * shape.cols + c); }
  double at(const std::vector<T>& array, int64_t r, int64_t c) const { return array[index(r, c)]; }
};

}  // namespace

void layer_norm_cases(std::vector<OpCase>& cases) {
  for (const Shape& shape : {Shape{1, 1}, Shape{3, 7}, Shape{5, 64, true, true}, Shape{129, 257, false},
                             Shape{70, 1000, true, true}, Shape{9, 37, true, false, 30}})
    add_cases<Problem>(cases, "layer_norm", shape);
  add_benchmarks<Problem>(cases, "layer_norm", Shape{8192, 512});
}

}  // namespace maru::kernels
