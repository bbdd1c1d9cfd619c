// Where biases are tested and timed.
#include <fmt/format.h>

#include <cstring>

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

  void forward(auto& stream) {
    bias_forward<T>(stream, {.y = y.data(), .bias = bias.data(), .rows = shape.rows, .cols = shape.cols});
  }
  void run(auto& stream) {
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

struct ColumnShape {
  int64_t rows, cols;
  bool biased, in_place;
  std::string name() const {
    return fmt::format("{} x {}{}{}", rows, cols, biased ? ", bias" : "", in_place ? ", in place" : "");
  }
  double elements() const { return static_cast<double>(rows * cols); }
  double flops() const { return 4 * elements(); }
  double bytes(double element_bytes) const { return 3 * element_bytes * elements(); }
};

template <class T>
struct ColumnProblem {
  ColumnShape shape;
  std::vector<T> x, z, bias, y;
  std::vector<Accumulator<T>> scale;
  static constexpr double kAlpha = 1.75;

  ColumnProblem(Inputs& in, const ColumnShape& s)
      : shape(s),
        x(in.normal<T>(s.rows * s.cols)),
        z(in.normal<T>(s.rows * s.cols)),
        bias(in.normal<T>(s.cols)),
        y(s.in_place ? x : in.blank<T>(s.rows * s.cols)),
        scale(in.normal<Accumulator<T>>(s.cols, 1, 2)) {}

  void scale_rows(auto& stream, T* to, const T* from, int64_t first, int64_t rows) {
    scale_columns<T>(stream, {.y = to,
                              .x = from + first * shape.cols,
                              .z = z.data() + first * shape.cols,
                              .scale = scale.data(),
                              .bias = shape.biased ? bias.data() : nullptr,
                              .rows = rows,
                              .cols = shape.cols,
                              .alpha = kAlpha});
  }
  void run(auto& stream) {
    if (shape.in_place) y = x;
    scale_rows(stream, y.data(), shape.in_place ? y.data() : x.data(), 0, shape.rows);
  }
  template <class Visit>
  void outputs(Visit&& visit) {
    visit("y", y);
  }
  bool rows_alone(auto& stream) {
    run(stream);
    std::vector<T> alone(static_cast<size_t>(shape.cols));
    scale_rows(stream, alone.data(), x.data(), shape.rows / 2, 1);
    return std::memcmp(alone.data(), y.data() + shape.rows / 2 * shape.cols, alone.size() * sizeof(T)) == 0;
  }

  std::vector<Tolerance> tolerances() const {
    std::vector<double> terms(y.size());
    for (size_t i = 0; i < y.size(); ++i) {
      const size_t c = i % bias.size();
      terms[i] = std::abs(to_f64(scale[c])) * (std::abs(to_f64(x[i])) + kAlpha * std::abs(to_f64(z[i]))) +
                 std::abs(to_f64(bias[c]));
    }
    return {{3, terms}};
  }
};

struct GradientShape {
  int64_t rows, cols;
  bool add;
  std::string name() const { return fmt::format("{} x {}{}", rows, cols, add ? ", added" : ""); }
  double elements() const { return static_cast<double>(rows * cols); }
  double flops() const { return 6 * elements(); }
  double bytes(double element_bytes) const { return 5 * element_bytes * elements(); }
};

template <class T>
struct GradientProblem {
  using A = Accumulator<T>;
  GradientShape shape;
  std::vector<T> dy, x, z, y, dx, dz;
  std::vector<A> scale, dscale;
  static constexpr double kAlpha = 1.75;

  GradientProblem(Inputs& in, const GradientShape& s)
      : shape(s),
        dy(in.normal<T>(s.rows * s.cols)),
        x(in.normal<T>(s.rows * s.cols)),
        z(in.normal<T>(s.rows * s.cols)),
        y(in.blank<T>(s.rows * s.cols)),
        dx(in.gradient<T>(s.rows * s.cols, s.add)),
        dz(in.gradient<T>(s.rows * s.cols, s.add)),
        scale(in.normal<A>(s.cols, 1, 2)),
        dscale(in.gradient<A>(s.cols, true)) {}

  void forward(auto& stream) {
    scale_columns<T>(stream, {.y = y.data(),
                              .x = x.data(),
                              .z = z.data(),
                              .scale = scale.data(),
                              .bias = nullptr,
                              .rows = shape.rows,
                              .cols = shape.cols,
                              .alpha = kAlpha});
  }
  void run(auto& stream) {
    forward(stream);
    scale_columns_backward<T>(stream, {.dx = dx.data(),
                                       .dz = dz.data(),
                                       .dscale = dscale.data(),
                                       .dy = dy.data(),
                                       .x = x.data(),
                                       .z = z.data(),
                                       .scale = scale.data(),
                                       .rows = shape.rows,
                                       .cols = shape.cols,
                                       .alpha = kAlpha,
                                       .add_dx = shape.add,
                                       .add_dz = shape.add});
  }
  template <class Visit>
  void outputs(Visit&& visit) {
    visit("dx", dx);
    visit("dz", dz);
    visit("dscale", dscale);
  }
  template <class Visit>
  void inputs(Visit&& visit) {
    visit(x, dx);
    visit(z, dz);
    visit(scale, dscale);
  }
  template <class Visit>
  void results(Visit&& visit) {
    visit(y, dy);
  }

  std::vector<Tolerance> tolerances() const {
    std::vector<double> to_x = magnitude(dx), to_z = magnitude(dz), to_scale = magnitude(dscale);
    for (size_t i = 0; i < dy.size(); ++i) {
      const size_t c = i % scale.size();
      const double gradient = std::abs(to_f64(dy[i]));
      to_x[i] += gradient * std::abs(to_f64(scale[c]));
      to_z[i] += kAlpha * gradient * std::abs(to_f64(scale[c]));
      to_scale[c] += gradient * (std::abs(to_f64(x[i])) + kAlpha * std::abs(to_f64(z[i])));
    }
    return {{2, to_x}, {3, to_z}, {sum_roundings(shape.rows) + 2, to_scale}};
  }
};

}  // namespace

void bias_cases(std::vector<OpCase>& cases) {
  for (const Shape& shape : {Shape{1, 1}, Shape{3, 37}, Shape{257, 65}, Shape{70, 1000}})
    add_cases<Problem>(cases, "bias", shape);
  add_benchmarks<Problem>(cases, "bias", Shape{8192, 512});
  for (const ColumnShape& shape : {ColumnShape{1, 1, false, false}, ColumnShape{3, 37, true, false},
                                   ColumnShape{257, 65, false, true}, ColumnShape{70, 1000, true, true}})
    add_cases<ColumnProblem>(cases, "scale_columns", shape);
  for (const GradientShape& shape : {GradientShape{1, 1, false}, GradientShape{3, 37, true},
                                     GradientShape{257, 65, false}, GradientShape{70, 1000, true}})
    add_cases<GradientProblem>(cases, "scale_columns_backward", shape);
  add_benchmarks<GradientProblem>(cases, "scale_columns_backward", GradientShape{512, 4096, false});
  add_benchmarks<ColumnProblem>(cases, "scale_columns", ColumnShape{512, 4096, true, false});
}

}  // namespace maru::kernels
