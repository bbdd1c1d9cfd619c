// Where AdamW is tested and timed.
#include <fmt/format.h>

#include "kernels/adamw/adamw.h"
#include "kernels/testing.h"

namespace maru::kernels {
namespace {

struct Shape {
  int64_t count;
  int64_t step = 1;
  double weight_decay = 0.1;
  bool keep_gradient = false;
  std::string name() const {
    return fmt::format("{}, step {}{}{}", count, step, weight_decay == 0 ? ", no decay" : "",
                       keep_gradient ? ", gradient kept" : "");
  }
  double flops() const { return 15 * static_cast<double>(count); }
  double bytes(double element_bytes) const {
    const double parameter = element_bytes == 2 ? 10 : 8;  // with its master
    return (parameter + 16 + (keep_gradient ? 4 : 8)) * static_cast<double>(count);
  }
};

template <class T>
struct Problem {
  using A = Accumulator<T>;
  static constexpr bool kMaster = std::is_same_v<T, bfloat16>;
  Shape shape;
  std::vector<A> master, m, v, gradient, raw_gradient;
  std::vector<T> parameter;

  Problem(Inputs& in, const Shape& s)
      : shape(s),
        master(in.normal<A>(s.count)),
        m(in.normal<A>(s.count, 0.1)),
        v(in.uniform<A>(s.count, 0, 0.02)),
        gradient(in.normal<A>(s.count)),
        raw_gradient(gradient),
        parameter(in.blank<T>(s.count)) {
    if constexpr (!kMaster) parameter = master;
  }

  AdamW<T> arguments() {
    return {.parameter = parameter.data(),
            .master = kMaster ? master.data() : nullptr,
            .m = m.data(),
            .v = v.data(),
            .gradient = gradient.data(),
            .count = shape.count,
            .step = shape.step,
            .lr = 3e-3,
            .weight_decay = shape.weight_decay,
            .gradient_scale = 0.37,
            .zero_gradient = !shape.keep_gradient};
  }
  void run(auto& stream) {
    adamw(stream, arguments());
    if constexpr (!kMaster) master = parameter;
  }
  template <class Visit>
  void outputs(Visit&& visit) {
    visit("master", master);
    visit("parameter", parameter);
    visit("m", m);
    visit("v", v);
    visit("gradient", gradient);
  }

  // m may cancel; everything else is a sum of terms of one sign, or a small change of the parameter.
  std::vector<Tolerance> tolerances() const {
    std::vector<double> m_terms = magnitude(m), terms = magnitude(master);
    const AdamW<double> a{.step = shape.step};
    const AdamWFactors factors = adamw_factors(a.step, 3e-3, a.beta1, a.beta2, shape.weight_decay);
    for (size_t i = 0; i < m.size(); ++i) {
      m_terms[i] += 2 * (1 - a.beta1) * std::abs(0.37 * raw_gradient[i]);
      terms[i] += 2 * factors.rate * m_terms[i] / (std::sqrt(v[i]) * factors.root + a.eps);
    }
    const double few = sum_roundings(3);
    return {{few, terms}, {few, terms}, {few, m_terms}, {few, magnitude(v)}, {0, magnitude(gradient)}};
  }
};

}  // namespace

void adamw_cases(std::vector<OpCase>& cases) {
  for (const Shape& shape : {Shape{1}, Shape{37, 5, 0}, Shape{16385, 1000, 0.1, true}, Shape{50000, 3}})
    add_cases<Problem>(cases, "adamw", shape);
  add_benchmarks<Problem>(cases, "adamw", Shape{8192 * 512});
}

}  // namespace maru::kernels
