// Where activation functions are tested and timed, plain and gated.
#include <fmt/format.h>

#include <array>
#include <cstring>
#include <utility>

#include "kernels/activation/reference.h"
#include "kernels/testing.h"

namespace maru::kernels {
namespace {

constexpr std::array<std::pair<Activation, const char*>, 6> kFunctions{{{Activation::kGelu, "gelu"},
                                                                        {Activation::kGeluTanh, "gelu_tanh"},
                                                                        {Activation::kRelu, "relu"},
                                                                        {Activation::kTanh, "tanh"},
                                                                        {Activation::kSigmoid, "sigmoid"},
                                                                        {Activation::kSilu, "silu"}}};

const char* name_of(Activation function) { return kFunctions[static_cast<size_t>(function)].second; }

/// What f(x) and f'(x) are made of before terms cancel. An exponential multiplies the rounding of its argument; below
/// the smallest normal number it is zero.
struct Terms {
  double value, slope;
};

Terms terms_of(Activation f, double x) {
  constexpr double kUnderflow = std::numeric_limits<float>::min() / kUnitRoundoff<float>;
  const double size = std::abs(x), inner = reference::gelu_argument_slope(x), half = 1 + x * x / 2;
  const double argument = f == Activation::kGeluTanh ? reference::gelu_argument(x) : x;
  const double share = (reference::logistic(argument) + kUnderflow) * (1 + std::abs(argument));
  switch (f) {
    case Activation::kGelu: {
      const double cdf = reference::normal_cdf(x) * half + kUnderflow;
      return {size * cdf, cdf + size * (reference::normal_pdf(x) * half + kUnderflow)};
    }
    case Activation::kGeluTanh: return {size * share, share * (1 + size * inner)};
    case Activation::kRelu: return {size, 1};
    case Activation::kTanh: return {std::abs(std::tanh(x)), 1};
    case Activation::kSigmoid: return {share, share};
    case Activation::kSilu: break;
  }
  return {size * share, share * (1 + size)};
}

struct Shape {
  Activation function;
  int64_t count;
  bool add = false;
  double scale = 1;
  std::string name() const {
    return fmt::format("{} {}{}{}", name_of(function), count, add ? ", adding to dx" : "",
                       scale > 1 ? ", saturated" : "");
  }
  double elements() const { return static_cast<double>(count); }
  double flops() const { return 40 * elements(); }
  double bytes(double element_bytes) const { return (add ? 6 : 5) * element_bytes * elements(); }
};

template <class T>
struct Problem {
  Shape shape;
  std::vector<T> x, dy, y, dx;

  Problem(Inputs& in, const Shape& s)
      : shape(s),
        x(in.normal<T>(s.count, s.scale)),
        dy(in.normal<T>(s.count)),
        y(in.blank<T>(s.count)),
        dx(in.gradient<T>(s.count, s.add)) {}

  void forward(auto& stream) {
    activation_forward<T>(stream, {.y = y.data(), .x = x.data(), .count = shape.count, .function = shape.function});
  }
  void run(auto& stream) {
    forward(stream);
    activation_backward<T>(stream, {.dx = dx.data(),
                                    .add_dx = shape.add,
                                    .dy = dy.data(),
                                    .x = x.data(),
                                    .count = shape.count,
                                    .function = shape.function});
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
    std::vector<double> y_terms = magnitude(y), dx_terms = magnitude(dx);
    for (size_t i = 0; i < x.size(); ++i) {
      const Terms terms = terms_of(shape.function, x[i]);
      y_terms[i] += terms.value;
      dx_terms[i] += std::abs(static_cast<double>(dy[i])) * terms.slope;
    }
    return {{sum_roundings(1), y_terms}, {sum_roundings(1), dx_terms}};
  }
};

struct GatedShape {
  Activation function;
  int64_t rows, cols;
  bool halves = false;  // gate and up are the halves of one matrix
  bool add = false;
  double scale = 1;
  std::string name() const {
    return fmt::format("{} {} x {}{}{}{}", name_of(function), rows, cols, halves ? ", gate and up in one matrix" : "",
                       add ? ", adding to gradients" : "", scale > 1 ? ", saturated" : "");
  }
  int64_t stride() const { return halves ? 2 * cols : cols; }
  double elements() const { return static_cast<double>(rows * cols); }
  double flops() const { return 60 * elements(); }
  double bytes(double element_bytes) const { return (add ? 10 : 8) * element_bytes * elements(); }
};

template <class T>
struct GatedProblem {
  GatedShape shape;
  int64_t up_offset;
  std::vector<T> both, dy, y, dboth;  // gates, then (or beside them) ups

  GatedProblem(Inputs& in, const GatedShape& s)
      : shape(s),
        up_offset(s.halves ? s.cols : s.rows * s.cols),
        both(in.normal<T>(2 * s.rows * s.cols, s.scale)),
        dy(in.normal<T>(s.rows * s.cols)),
        y(in.blank<T>(s.rows * s.cols)),
        dboth(in.gradient<T>(2 * s.rows * s.cols, s.add)) {}

  void forward_rows(auto& stream, int64_t first, int64_t rows) {
    const T* gate = both.data() + first * shape.stride();
    gated_forward<T>(stream, {.y = y.data() + first * shape.cols,
                              .gate = gate,
                              .up = gate + up_offset,
                              .rows = rows,
                              .cols = shape.cols,
                              .stride = shape.stride(),
                              .function = shape.function});
  }
  void forward(auto& stream) { forward_rows(stream, 0, shape.rows); }
  void run(auto& stream) {
    forward(stream);
    gated_backward<T>(stream, {.dgate = dboth.data(),
                               .dup = dboth.data() + up_offset,
                               .add_dgate = shape.add,
                               .add_dup = shape.add,
                               .dy = dy.data(),
                               .gate = both.data(),
                               .up = both.data() + up_offset,
                               .rows = shape.rows,
                               .cols = shape.cols,
                               .stride = shape.stride(),
                               .function = shape.function});
  }
  template <class Visit>
  void outputs(Visit&& visit) {
    visit("y", y);
    visit("dgate and dup", dboth);
  }
  template <class Visit>
  void inputs(Visit&& visit) {
    visit(both, dboth);
  }
  template <class Visit>
  void results(Visit&& visit) {
    visit(y, dy);
  }

  std::vector<Tolerance> tolerances() const {
    std::vector<double> terms = magnitude(dboth), y_terms = magnitude(y);
    for (int64_t r = 0; r < shape.rows; ++r)
      for (int64_t c = 0; c < shape.cols; ++c) {
        const size_t i = static_cast<size_t>(r * shape.stride() + c), up = i + static_cast<size_t>(up_offset);
        const size_t j = static_cast<size_t>(r * shape.cols + c);
        const Terms of_gate = terms_of(shape.function, both[i]);
        const double d = std::abs(static_cast<double>(dy[j])), u = std::abs(static_cast<double>(both[up]));
        terms[i] += d * u * of_gate.slope;
        terms[up] += d * of_gate.value;
        y_terms[j] += u * of_gate.value;
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

struct CapShape {
  int64_t count;
  double scale, softcap;
  std::string name() const { return fmt::format("{}, scaled by {}, capped at {}", count, scale, softcap); }
  double flops() const { return 20 * static_cast<double>(count); }
  double bytes(double element_bytes) const { return 2 * element_bytes * static_cast<double>(count); }
};

template <class T>
struct CapProblem {
  CapShape shape;
  std::vector<T> y;

  CapProblem(Inputs& in, const CapShape& s) : shape(s), y(in.normal<T>(s.count, 2)) {}
  void run(auto& stream) {
    soft_cap<T>(stream, {.y = y.data(), .count = shape.count, .scale = shape.scale, .softcap = shape.softcap});
  }
  template <class Visit>
  void outputs(Visit&& visit) {
    visit("y", y);
  }
  // A rounding of scale / softcap, one of each step.
  std::vector<Tolerance> tolerances() const { return {{sum_roundings(4), magnitude(y)}}; }
};

}  // namespace

void activation_cases(std::vector<OpCase>& cases) {
  for (const auto& [function, name] : kFunctions) {
    for (const Shape& shape : {Shape{function, 1}, Shape{function, 37, true}, Shape{function, 20001, false, 3},
                               Shape{function, 501, false, 40}})
      add_cases<Problem>(cases, "activation", shape);
    add_cases<GatedProblem>(cases, "gated", GatedShape{function, 5, 37, true});
    add_cases<GatedProblem>(cases, "gated", GatedShape{function, 60, 300, false, true, 2});
  }
  for (const CapShape& shape : {CapShape{1, 1, 30}, CapShape{37, 0.5, 1.5}, CapShape{20001, 3, 2}})
    cases.push_back(test_case<CapProblem, float>("soft_cap", shape));
  cases.push_back(benchmark_case<CapProblem, float>("soft_cap", CapShape{256000, 1, 30}));
  add_benchmarks<Problem>(cases, "activation", Shape{Activation::kGelu, 8192 * 1536});
  add_benchmarks<Problem>(cases, "activation", Shape{Activation::kGeluTanh, 8192 * 1536});
  add_benchmarks<GatedProblem>(cases, "gated", GatedShape{Activation::kGeluTanh, 8192, 1376, true});
}

}  // namespace maru::kernels
