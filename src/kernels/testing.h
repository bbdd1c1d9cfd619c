// What <family>/cases.cc needs: inputs that are the same numbers in every type, comparison under computed tolerances,
// gradients by complex step.
//
// A *problem* is an op at one shape and type with all its arrays. Its author writes:
//
//   struct Shape { std::string name() const; double flops() const; double bytes(double element_bytes) const; … };
//   template <class T> struct Problem {
//     Problem(Inputs& in, const Shape&);       // draws every array, in the same order for every T
//     void run(auto& stream);                  // forward and backward, on any of OpStream
//     void outputs(auto&& visit);              // visit("dx", dx) for each array that run writes
//     std::vector<Tolerance> tolerances() const;   // asked of Problem<double> after run; one per output, same order
//     // If differentiable:
//     void forward(auto& stream);
//     void inputs(auto&& visit);               // visit(x, dx) for each input and the gradient that run leaves for it
//     void results(auto&& visit);              // visit(y, dy) for each result and the gradient that came in
//     // If its rows do not depend on each other (batch invariance):
//     bool rows_alone(auto& stream);           // some rows computed alone have the same bits as among the others
//   };
//
// `add_cases<Problem>(cases, "op", shape)` adds it in f32 and bf16. T = double and std::complex<double> run the
// reference through the same dispatch. Gradients that an op overwrites are NaN before, those it adds to are random.
#pragma once
#include <cmath>
#include <complex>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "base/random.h"
#include "kernels/op_case.h"

namespace maru::kernels {

using Complex = std::complex<double>;

/// Unit roundoff: half the distance from 1 to the next number.
template <class T>
inline constexpr double kUnitRoundoff = std::is_same_v<T, bfloat16> ? 0x1p-8
                                        : std::is_same_v<T, float>  ? 0x1p-24
                                                                    : 0x1p-53;

inline double to_f64(double x) { return x; }
inline double to_f64(float x) { return x; }
inline double to_f64(bfloat16 x) { return static_cast<double>(to_float(x)); }
inline double to_f64(Complex x) { return x.real(); }

template <class T>
T from_f64(double x) {
  if constexpr (std::is_same_v<T, bfloat16>)
    return to_bfloat16(static_cast<float>(x));
  else
    return static_cast<T>(x);
}

/// Seeded random arrays. Values are rounded to the type under test, so that f64 references see what the kernel sees.
class Inputs {
 public:
  enum class Round { kF32, kBf16 };
  enum class Gradients { kDirty, kZero };  // what gradients hold before the op: random or NaN as said above, or zeros
  Inputs(uint64_t seed, Round round, Gradients gradients) : random_(seed), round_(round), gradients_(gradients) {}

  /// Standard normal values times `scale` plus `mean`.
  template <class T>
  std::vector<T> normal(int64_t n, double scale = 1, double mean = 0) {
    return array<T>(n, [&] { return mean + scale * random_.normal(); });
  }
  template <class T>
  std::vector<T> uniform(int64_t n, double low, double high) {
    return array<T>(n, [&] { return low + (high - low) * random_.uniform(); });
  }
  /// An array that the op writes: NaN before, so that a hole shows.
  template <class T>
  std::vector<T> blank(int64_t n) {
    return std::vector<T>(static_cast<size_t>(n), from_f64<T>(std::nan("")));
  }
  /// A gradient that the op adds to or overwrites.
  template <class T>
  std::vector<T> gradient(int64_t n, bool add) {
    const std::vector<T> before = normal<T>(n);
    if (gradients_ == Gradients::kZero) return std::vector<T>(static_cast<size_t>(n), T{});
    return add ? before : blank<T>(n);
  }
  std::vector<int32_t> integers(int64_t n, int64_t bound);
  /// What the type under test holds: kBf16 where ops round in between, for their tolerances.
  Round round() const { return round_; }

 private:
  template <class T, class Draw>
  std::vector<T> array(int64_t n, Draw&& draw) {
    std::vector<T> values(static_cast<size_t>(n));
    for (T& v : values) v = from_f64<T>(rounded(draw()));
    return values;
  }
  double rounded(double x) const;

  Random random_;
  Round round_;
  Gradients gradients_;
};

/// Makes room for n elements of scratch: NaN before, so that what is read unwritten shows.
template <class T>
void reserve_blank(std::vector<T>& scratch, int64_t n) {
  if (scratch.size() < static_cast<size_t>(n)) scratch.assign(static_cast<size_t>(n), from_f64<T>(std::nan("")));
}

/// How far an output may be from the reference:
/// |error_i| ≤ u(type of the output) · |expected_i| + roundings · u(f32) · magnitude_i.
struct Tolerance {
  double roundings;               // f32 roundings that may pile up in one element; see sum_roundings
  std::vector<double> magnitude;  // per element, the size of its terms before they cancel: Σ|aᵢ·bᵢ| for a dot product
};

/// Roundings to allow for a sum of n terms in any order: λ·√n with λ = 6, plus a few for what is around it.
/// Source: Higham & Mary 2019, SIAM J. Sci. Comput. 41(5), theorem 3.1 (fails with probability below 2·n·exp(-λ²/2)).
double sum_roundings(int64_t n);

/// |xᵢ|: the magnitude of results whose terms do not cancel.
std::vector<double> magnitude(const std::vector<double>& x);
/// The largest |xᵢ|, NaN left out: for outputs whose elements may share one magnitude.
double largest(const std::vector<double>& x);

/// Collects errors and bits over the outputs of one run.
class Comparison {
 public:
  template <class T>
  void add(const std::string& name, const std::vector<T>& actual, const std::vector<double>& expected,
           const Tolerance& tolerance) {
    for (size_t i = 0; i < expected.size(); ++i)
      element(name, i, to_f64(actual[i]), expected[i], kUnitRoundoff<T>,
              tolerance.roundings * kUnitRoundoff<float> * tolerance.magnitude[i]);
    outcome_.bits = hash64({reinterpret_cast<const char*>(actual.data()), actual.size() * sizeof(T)}, outcome_.bits);
  }
  /// Bit for bit.
  template <class T>
  void add_exact(const std::string& name, const std::vector<T>& actual, const std::vector<T>& expected) {
    const std::string_view got(reinterpret_cast<const char*>(actual.data()), actual.size() * sizeof(T));
    const std::string_view wanted(reinterpret_cast<const char*>(expected.data()), expected.size() * sizeof(T));
    exact(name, got, wanted, sizeof(T));
  }
  const OpOutcome& outcome() const { return outcome_; }

 private:
  void element(const std::string& name, size_t i, double actual, double expected, double unit, double arithmetic);
  void exact(const std::string& name, std::string_view actual, std::string_view expected, size_t element_bytes);
  OpOutcome outcome_;
};

/// A direction to differentiate along, one number per element: dense for the first two, then single elements.
std::vector<double> direction(int64_t n, int index);
inline constexpr int kDirections = 6;

/// What complex step says about a backward: |numeric - Σ dx·v| relative to Σ|dx·v| (and a millionth of |dx|·|v|, for
/// elements that do not matter).
double directional_error(double numeric, const std::vector<double>& dx, const std::vector<double>& v);

inline constexpr uint64_t kCaseSeed = 20;

template <template <class> class Problem, class T, class Shape>
Problem<T> make_problem(const Shape& shape, Inputs::Round round, Inputs::Gradients gradients) {
  Inputs in(kCaseSeed, round, gradients);
  return Problem<T>(in, shape);
}

/// What a problem's outputs should be: found once, compared with every run.
struct Expectation {
  std::vector<std::vector<double>> outputs;
  std::vector<Tolerance> tolerances;
};

template <template <class> class Problem, class Shape>
Expectation expect(const Shape& shape, Inputs::Round round) {
  auto problem = make_problem<Problem, double>(shape, round, Inputs::Gradients::kDirty);
  ThreadPool pool(1);
  CpuStream stream{&pool, Isa::kScalar};
  problem.run(stream);
  Expectation expected;
  problem.outputs([&](const std::string&, const std::vector<double>& array) { expected.outputs.push_back(array); });
  expected.tolerances = problem.tolerances();
  return expected;
}

template <template <class> class Problem, class T, class Shape>
OpOutcome run_problem(OpStream on, const Shape& shape, std::optional<Expectation>& expected) {
  const auto round = std::is_same_v<T, bfloat16> ? Inputs::Round::kBf16 : Inputs::Round::kF32;
  if (!expected) expected = expect<Problem>(shape, round);
  auto problem = make_problem<Problem, T>(shape, round, Inputs::Gradients::kDirty);
  std::visit([&](auto* stream) { problem.run(*stream); }, on);
  Comparison comparison;
  size_t i = 0;
  problem.outputs([&](const std::string& name, const auto& array) {
    comparison.add(name, array, expected->outputs.at(i), expected->tolerances.at(i));
    ++i;
  });
  return comparison.outcome();
}

/// Derivative of Σ dy·y along v in the problem's which-th input, by complex step.
/// Source: Squire & Trapp 1998, SIAM Rev. 40(1), eq. 3.
template <template <class> class Problem, class Shape>
double complex_step(const Shape& shape, size_t which, const std::vector<double>& v) {
  constexpr double kStep = 1e-100;
  auto problem = make_problem<Problem, Complex>(shape, Inputs::Round::kF32, Inputs::Gradients::kZero);
  size_t index = 0;
  problem.inputs([&](std::vector<Complex>& x, const std::vector<Complex>&) {
    if (index++ == which)
      for (size_t i = 0; i < x.size(); ++i) x[i] += Complex(0, kStep * v[i]);
  });
  ThreadPool pool(1);
  CpuStream stream{&pool, Isa::kScalar};
  problem.forward(stream);
  double sum = 0;
  problem.results([&](const std::vector<Complex>& y, const std::vector<Complex>& dy) {
    for (size_t i = 0; i < y.size(); ++i) sum += dy[i].real() * y[i].imag() / kStep;
  });
  return sum;
}

/// Worst relative error of the reference's backward over all inputs and directions.
template <template <class> class Problem, class Shape>
double gradient_error(const Shape& shape) {
  auto problem = make_problem<Problem, double>(shape, Inputs::Round::kF32, Inputs::Gradients::kZero);
  ThreadPool pool(1);
  CpuStream stream{&pool, Isa::kScalar};
  problem.run(stream);
  double worst = 0;
  size_t which = 0;
  problem.inputs([&](const std::vector<double>& x, const std::vector<double>& dx) {
    for (int d = 0; d < kDirections; ++d) {
      const std::vector<double> v = direction(static_cast<int64_t>(x.size()), d);
      const double error = directional_error(complex_step<Problem>(shape, which, v), dx, v);
      worst = error <= worst ? worst : error;  // keeps NaN
    }
    ++which;
  });
  return worst;
}

template <template <class> class Problem, class T, class Shape>
OpCase describe(const std::string& op, const Shape& shape) {
  const double element = sizeof(T);
  return {op, std::is_same_v<T, float> ? "f32" : "bf16", shape.name(), shape.flops(), shape.bytes(element), {}, {}, {},
          {}};
}

template <template <class> class Problem, class T, class Shape>
OpCase test_case(const std::string& op, const Shape& shape) {
  OpCase c = describe<Problem, T>(op, shape);
  c.run = [shape, expected = std::make_shared<std::optional<Expectation>>()](OpStream on) {
    return run_problem<Problem, T>(on, shape, *expected);
  };
  if constexpr (requires(Problem<T> p, CpuStream s) { p.forward(s); } && std::is_same_v<T, float>)
    c.gradient = [shape] { return gradient_error<Problem>(shape); };
  if constexpr (requires(Problem<T> p, CpuStream s) { p.rows_alone(s); })
    c.rows_alone = [shape](OpStream on) {
      auto problem = make_problem<Problem, T>(shape, Inputs::Round::kBf16, Inputs::Gradients::kDirty);
      return std::visit([&](auto* stream) { return problem.rows_alone(*stream); }, on);
    };
  return c;
}

template <template <class> class Problem, class T, class Shape>
OpCase benchmark_case(const std::string& op, const Shape& shape) {
  OpCase c = describe<Problem, T>(op, shape);
  c.benchmark = [shape] {
    auto problem =
        std::make_shared<Problem<T>>(make_problem<Problem, T>(shape, Inputs::Round::kBf16, Inputs::Gradients::kZero));
    return [problem](OpStream on) { std::visit([&](auto* stream) { problem->run(*stream); }, on); };
  };
  return c;
}

/// A shape to test, in f32 (with its gradient) and bf16.
template <template <class> class Problem, class Shape>
void add_cases(std::vector<OpCase>& cases, const std::string& op, const Shape& shape) {
  cases.push_back(test_case<Problem, float>(op, shape));
  cases.push_back(test_case<Problem, bfloat16>(op, shape));
}

/// A shape to time only, in f32 and bf16.
template <template <class> class Problem, class Shape>
void add_benchmarks(std::vector<OpCase>& cases, const std::string& op, const Shape& shape) {
  cases.push_back(benchmark_case<Problem, float>(op, shape));
  cases.push_back(benchmark_case<Problem, bfloat16>(op, shape));
}

}  // namespace maru::kernels
