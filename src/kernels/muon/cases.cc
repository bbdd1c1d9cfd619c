// Where Muon is tested and timed.
#include <fmt/format.h>

#include <algorithm>

#include "kernels/muon/muon.h"
#include "kernels/testing.h"

namespace maru::kernels {
namespace {

struct Shape {
  int64_t rows, cols;
  bool nesterov = true;
  std::string name() const { return fmt::format("{} x {}{}", rows, cols, nesterov ? "" : ", plain momentum"); }
  double count() const { return static_cast<double>(rows * cols); }
  double flops() const {
    const double s = static_cast<double>(std::min(rows, cols));
    return 5 * (4 * s * count() + 2 * s * s * s) + 10 * count();
  }
  double bytes(double element_bytes) const { return ((element_bytes == 2 ? 10 : 8) + 16) * count(); }
};

struct alignas(64) Line {
  std::byte bytes[64];
};

template <class T>
struct Problem {
  using A = Accumulator<T>;
  static constexpr bool kMaster = std::is_same_v<T, bfloat16>;
  Shape shape;
  std::vector<A> master, m, gradient;
  std::vector<T> parameter;
  std::vector<Line> scratch;

  Problem(Inputs& in, const Shape& s)
      : shape(s),
        master(in.normal<A>(s.rows * s.cols)),
        m(in.normal<A>(s.rows * s.cols)),
        gradient(in.normal<A>(s.rows * s.cols)),
        parameter(in.blank<T>(s.rows * s.cols)) {
    if constexpr (!kMaster) parameter = master;
  }

  void run(auto& stream) {
    const int64_t bytes = muon_scratch_bytes<T>(stream, shape.rows, shape.cols);
    scratch.resize(static_cast<size_t>(divide_up(bytes, 64)));
    muon<T>(stream, {.parameter = parameter.data(),
                     .master = kMaster ? master.data() : nullptr,
                     .m = m.data(),
                     .gradient = gradient.data(),
                     .rows = shape.rows,
                     .cols = shape.cols,
                     .lr = 0.02,
                     .nesterov = shape.nesterov,
                     .gradient_scale = 0.5,
                     .zero_gradient = true,
                     .scratch = scratch.data()->bytes});
    if constexpr (!kMaster) master = parameter;
  }
  template <class Visit>
  void outputs(Visit&& visit) {
    visit("master", master);
    visit("parameter", parameter);
    visit("m", m);
    visit("gradient", gradient);
  }

  // An error in X grows at most by the coefficient a in each round (the polynomial's steepest slope, at 0), and each
  // round adds the roundings of its three products to a matrix whose singular values, so whose elements, are about 1.
  std::vector<Tolerance> tolerances() const {
    const int64_t s = std::min(shape.rows, shape.cols), t = std::max(shape.rows, shape.cols);
    const double growth = std::pow(MuonCoefficients().a, 5), rate = muon_rate(0.02, shape.rows, shape.cols);
    std::vector<double> terms = magnitude(master);
    for (double& x : terms) x += rate * growth;
    return {{sum_roundings(t) + 2 * sum_roundings(s), terms},
            {sum_roundings(t) + 2 * sum_roundings(s), terms},
            {sum_roundings(1), std::vector<double>(m.size(), 2 * largest(m))},
            {0, magnitude(gradient)}};
  }
};

}  // namespace

void muon_cases(std::vector<OpCase>& cases) {
  for (const Shape& shape : {Shape{1, 1}, Shape{3, 17, false}, Shape{40, 12}, Shape{64, 64, false}, Shape{65, 130}})
    add_cases<Problem>(cases, "muon", shape);
  add_benchmarks<Problem>(cases, "muon", Shape{512, 1376});
}

}  // namespace maru::kernels
