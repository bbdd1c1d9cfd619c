// Where the sum of experts and the choice of experts are tested and timed.
#include <fmt/format.h>

#include <cstring>

#include "kernels/moe/moe.h"
#include "kernels/testing.h"

namespace maru::kernels {
namespace {

struct Shape {
  int64_t rows, cols, per_token;
  bool add = false;
  std::string name() const {
    return fmt::format("{} x {}, {} experts each{}", rows, cols, per_token, add ? ", adding to gradients" : "");
  }
  int64_t pairs() const { return rows * per_token; }
  int64_t grouped_rows() const { return pairs() + 2; }
  double flops() const { return 6 * static_cast<double>(pairs() * cols); }
  double bytes(double element_bytes) const {
    return element_bytes * static_cast<double>((3 + (add ? 1 : 0)) * pairs() * cols + 2 * rows * cols);
  }
};

template <class T>
struct Problem {
  using A = Accumulator<T>;
  Shape shape;
  std::vector<T> x, y, dy, dx;
  std::vector<A> weights, dweights;
  std::vector<int32_t> places;

  Problem(Inputs& in, const Shape& s)
      : shape(s),
        x(in.normal<T>(s.grouped_rows() * s.cols)),
        y(in.blank<T>(s.rows * s.cols)),
        dy(in.normal<T>(s.rows * s.cols)),
        dx(in.gradient<T>(s.grouped_rows() * s.cols, s.add)),
        weights(in.normal<A>(s.pairs())),
        dweights(in.gradient<A>(s.pairs(), s.add)) {
    for (int64_t i = s.pairs(); i-- > 0;) places.push_back(static_cast<int32_t>(i));
  }

  void run_rows(auto& stream, int64_t first, int64_t rows) {
    combine<T>(stream, {.y = y.data() + first * shape.cols,
                        .x = x.data(),
                        .weights = weights.data() + first * shape.per_token,
                        .places = places.data() + first * shape.per_token,
                        .rows = rows,
                        .cols = shape.cols,
                        .per_token = shape.per_token});
  }
  void forward(auto& stream) { run_rows(stream, 0, shape.rows); }
  void run(auto& stream) {
    forward(stream);
    combine_backward<T>(stream, {.dx = dx.data(),
                                 .dweights = dweights.data(),
                                 .add_dx = shape.add,
                                 .add_dweights = shape.add,
                                 .dy = dy.data(),
                                 .x = x.data(),
                                 .weights = weights.data(),
                                 .places = places.data(),
                                 .rows = shape.rows,
                                 .cols = shape.cols,
                                 .per_token = shape.per_token,
                                 .grouped_rows = shape.grouped_rows()});
  }
  template <class Visit>
  void outputs(Visit&& visit) {
    visit("y", y);
    visit("dx", dx);
    visit("dweights", dweights);
  }
  template <class Visit>
  void inputs(Visit&& visit) {
    visit(x, dx);
    visit(weights, dweights);
  }
  template <class Visit>
  void results(Visit&& visit) {
    visit(y, dy);
  }
  std::vector<Tolerance> tolerances() const {
    std::vector<double> terms(y.size()), dx_terms = magnitude(dx), dots = magnitude(dweights);
    for (int64_t i = 0; i < shape.pairs(); ++i)
      for (int64_t c = 0; c < shape.cols; ++c) {
        const int64_t to = i / shape.per_token * shape.cols + c, from = places[i] * shape.cols + c;
        terms[to] += std::abs(weights[i] * x[from]);
        dx_terms[from] += std::abs(weights[i] * dy[to]);
        dots[i] += std::abs(dy[to] * x[from]);
      }
    return {{sum_roundings(shape.per_token), terms}, {sum_roundings(1), dx_terms}, {sum_roundings(shape.cols), dots}};
  }
  bool rows_alone(auto& stream) {
    forward(stream);
    const std::vector<T> together = y;
    for (int64_t r : {int64_t{0}, shape.rows / 2, shape.rows - 1}) run_rows(stream, r, 1);
    return std::memcmp(together.data(), y.data(), y.size() * sizeof(T)) == 0;
  }
};

struct RouteShape {
  int64_t rows, experts, per_token;
  bool sigmoid = false, normalise = true, add = false;
  int64_t groups = 1, top_groups = 1;
  std::string name() const {
    return fmt::format("{} of {} experts for {} rows{}{}{}{}", per_token, experts, rows, sigmoid ? ", sigmoid" : "",
                       normalise ? "" : ", not normalised", add ? ", adding to dlogits" : "",
                       groups > 1 ? fmt::format(", of {} of {} groups", top_groups, groups) : "");
  }
  double flops() const { return 40 * static_cast<double>(rows * experts); }
  double bytes(double element_bytes) const { return 3 * element_bytes * static_cast<double>(rows * experts); }
};

template <class T>
struct RouteProblem {
  static constexpr double kScale = 1.5;
  RouteShape shape;
  std::vector<T> logits, bias, weights, dweights, dlogits;
  std::vector<int32_t> places, rows, first;
  std::vector<std::byte> scratch;

  RouteProblem(Inputs& in, const RouteShape& s)
      : shape(s),
        logits(in.normal<T>(s.rows * s.experts)),
        bias(in.normal<T>(s.experts, 0.1)),
        weights(in.blank<T>(s.rows * s.per_token)),
        dweights(in.normal<T>(s.rows * s.per_token)),
        dlogits(in.gradient<T>(s.rows * s.experts, s.add)),
        places(weights.size()),
        rows(weights.size()),
        first(static_cast<size_t>(s.experts + 1)) {}

  void forward(auto& stream) {
    scratch.resize(static_cast<size_t>(route_scratch_bytes<T>(stream, shape.experts)));
    route<T>(stream, {.weights = weights.data(),
                      .places = places.data(),
                      .grouped_rows = rows.data(),
                      .first = first.data(),
                      .logits = logits.data(),
                      .bias = shape.sigmoid ? bias.data() : nullptr,
                      .rows = shape.rows,
                      .experts = shape.experts,
                      .per_token = shape.per_token,
                      .sigmoid = shape.sigmoid,
                      .normalise = shape.normalise,
                      .scale = kScale,
                      .groups = shape.groups,
                      .top_groups = shape.top_groups,
                      .scratch = scratch.data()});
  }
  void run(auto& stream) {
    forward(stream);
    route_backward<T>(stream, {.dlogits = dlogits.data(),
                               .add_dlogits = shape.add,
                               .dweights = dweights.data(),
                               .logits = logits.data(),
                               .places = places.data(),
                               .first = first.data(),
                               .rows = shape.rows,
                               .experts = shape.experts,
                               .per_token = shape.per_token,
                               .sigmoid = shape.sigmoid,
                               .normalise = shape.normalise,
                               .scale = kScale,
                               .scratch = scratch.data()});
  }
  template <class Visit>
  void outputs(Visit&& visit) {
    visit("weights", weights);
    visit("dlogits", dlogits);
  }
  template <class Visit>
  void inputs(Visit&& visit) {
    visit(logits, dlogits);
  }
  template <class Visit>
  void results(Visit&& visit) {
    visit(weights, dweights);
  }
  // An exponential multiplies the rounding of its argument, below 10 here; a weight divides by a sum of scores, and a
  // logit's gradient is made of all weights' gradients times scores of at most 1.
  std::vector<Tolerance> tolerances() const {
    const double roundings = 10 + sum_roundings(shape.experts), top = largest(dweights) + largest(dlogits);
    return {{roundings, magnitude(weights)},
            {2 * roundings, std::vector<double>(dlogits.size(), static_cast<double>(shape.per_token) * kScale * top)}};
  }
};

}  // namespace

void moe_cases(std::vector<OpCase>& cases) {
  for (const Shape& shape : {Shape{1, 1, 1}, Shape{3, 7, 2, true}, Shape{65, 257, 8}, Shape{20, 1000, 2, true}})
    add_cases<Problem>(cases, "moe", shape);
  add_benchmarks<Problem>(cases, "moe", Shape{512, 2048, 8});
  for (const RouteShape& shape : {RouteShape{1, 1, 1}, RouteShape{9, 8, 2}, RouteShape{30, 16, 4, false, false, true},
                                  RouteShape{9, 8, 2, true, true, true}, RouteShape{40, 16, 3, true, true, false, 4, 2},
                                  RouteShape{9, 8, 2, true, false}})
    cases.push_back(test_case<RouteProblem, float>("route", shape));
  cases.push_back(benchmark_case<RouteProblem, float>("route", RouteShape{512, 128, 8}));
}

}  // namespace maru::kernels
