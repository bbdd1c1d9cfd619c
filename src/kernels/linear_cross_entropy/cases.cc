// Where linear layer and cross entropy are tested and timed.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "kernels/linear_cross_entropy/linear_cross_entropy.h"
#include "kernels/testing.h"

namespace maru::kernels {
namespace {

struct Shape {
  int64_t rows, vocab, dim;
  bool add_dx = false;
  double logit_scale = 1, softcap = 0;
  bool weighted = false;
  std::string name() const {
    return fmt::format("{} x {} x {}{}{}{}", rows, vocab, dim, add_dx ? ", adding to dx" : "",
                       softcap > 0 ? fmt::format(", capped at {}", softcap) : "", weighted ? ", weighted" : "");
  }
  double flops() const { return 6.0 * static_cast<double>(rows * vocab * dim); }
  double bytes(double element_bytes) const {
    return 2 * element_bytes * static_cast<double>(rows * dim) + (element_bytes + 8) * static_cast<double>(vocab * dim);
  }
};

template <class T>
struct Problem {
  using A = Accumulator<T>;
  Shape shape;
  double scale, roundings_to_t;
  std::vector<T> x, weight, dx;
  std::vector<A> loss, one, token_loss, dweight, row_weights;
  std::vector<int32_t> targets;
  std::vector<std::byte> scratch;

  Problem(Inputs& in, const Shape& s)
      : shape(s),
        scale(1.0 / static_cast<double>(s.rows)),
        roundings_to_t(in.round() == Inputs::Round::kBf16 ? kUnitRoundoff<bfloat16> / kUnitRoundoff<float> : 0),
        x(in.normal<T>(s.rows * s.dim)),
        weight(in.normal<T>(s.vocab * s.dim, 0.3)),
        dx(in.gradient<T>(s.rows * s.dim, s.add_dx)),
        loss(in.gradient<A>(1, true)),
        one(1, A(1)),
        token_loss(in.blank<A>(s.rows)),
        dweight(in.gradient<A>(s.vocab * s.dim, true)),
        targets(in.integers(s.rows, s.vocab)) {
    for (int64_t r = 1; r < s.rows; r += 3) targets[r] = -1;
    if (s.weighted) row_weights = in.normal<A>(s.rows);
  }

  void compute(auto& stream, int64_t first, int64_t rows, bool gradients) {
    const int64_t bytes = linear_cross_entropy_scratch_bytes<T>(stream, rows, shape.vocab, shape.dim, gradients);
    scratch.assign(static_cast<size_t>(bytes + 64), std::byte{0xff});  // NaN: what is read unwritten shows
    linear_cross_entropy<T>(stream,
                            {.loss = loss.data(),
                             .token_loss = token_loss.data() + first,
                             .dx = gradients ? dx.data() + first * shape.dim : nullptr,
                             .add_dx = shape.add_dx,
                             .dweight = gradients ? dweight.data() : nullptr,
                             .x = x.data() + first * shape.dim,
                             .weight = weight.data(),
                             .targets = targets.data() + first,
                             .rows = rows,
                             .vocab = shape.vocab,
                             .dim = shape.dim,
                             .scale = scale,
                             .logit_scale = shape.logit_scale,
                             .scratch = scratch.data() + (64 - reinterpret_cast<uintptr_t>(scratch.data()) % 64) % 64,
                             .softcap = shape.softcap,
                             .row_weights = shape.weighted ? row_weights.data() + first : nullptr});
  }
  void run(auto& stream) { compute(stream, 0, shape.rows, true); }
  void forward(auto& stream) { compute(stream, 0, shape.rows, false); }

  template <class Visit>
  void outputs(Visit&& visit) {
    visit("loss", loss);
    visit("token_loss", token_loss);
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
    visit(loss, one);
  }

  // An error of a logit is an error of its loss and a relative error of its probability. Gradients of logits are
  // rounded to T, which is a relative error of every term of the two products.
  std::vector<Tolerance> tolerances() const {
    std::vector<double> losses(targets.size()), dx_terms = magnitude(dx), dweight_terms = magnitude(dweight);
    double all = std::abs(loss[0]);
    for (int64_t r = 0; r < shape.rows; ++r) {
      if (targets[r] < 0) continue;
      const double logits = largest_terms(r) * sum_roundings(shape.dim), sums = sum_roundings(shape.vocab);
      losses[r] = logits + sums * (1 + std::abs(token_loss[r]));
      all += scale * std::abs(weight_of(r)) * (losses[r] + 8 * std::abs(token_loss[r]));
      add_terms(r, 2 * logits + sums + sum_roundings(shape.rows) + roundings_to_t, dx_terms, dweight_terms);
    }
    return {{8, {all}}, {1, losses}, {8, dx_terms}, {8, dweight_terms}};
  }
  bool rows_alone(auto& stream) {
    run(stream);
    const std::vector<A> together = token_loss;
    const std::vector<T> dx_together = dx;
    for (int64_t r : {int64_t{0}, shape.rows / 2, shape.rows - 1}) compute(stream, r, 1, !shape.add_dx);
    return std::equal(together.begin(), together.end(), token_loss.begin()) &&
           std::memcmp(dx_together.data(), dx.data(), dx.size() * sizeof(T)) == 0;
  }

 private:
  double weight_of(int64_t r) const { return shape.weighted ? std::real(row_weights[r]) : 1; }
  double dot(int64_t r, int64_t j, bool absolute) const {
    double sum = 0;
    for (int64_t c = 0; c < shape.dim; ++c) {
      const double product = x[r * shape.dim + c] * weight[j * shape.dim + c] * shape.logit_scale;
      sum += absolute ? std::abs(product) : product;
    }
    return sum;
  }
  double logit(int64_t r, int64_t j) const {
    const double plain = dot(r, j, false);
    return shape.softcap == 0 ? plain : shape.softcap * std::tanh(plain / shape.softcap);
  }
  // Of Σ|x · weight| over the row's logits.
  double largest_terms(int64_t r) const {
    double most = 0;
    for (int64_t j = 0; j < shape.vocab; ++j) most = std::max(most, dot(r, j, true));
    return most + shape.softcap;
  }
  void add_terms(int64_t r, double roundings, std::vector<double>& dx_terms, std::vector<double>& dweight_terms) const {
    const double normaliser = token_loss[r] + logit(r, targets[r]);
    for (int64_t j = 0; j < shape.vocab; ++j) {
      const double probability = std::exp(logit(r, j) - normaliser) + (j == targets[r] ? 1 : 0);
      const double size = roundings * probability * scale * shape.logit_scale * std::abs(weight_of(r));
      for (int64_t c = 0; c < shape.dim; ++c) {
        dx_terms[r * shape.dim + c] += size * std::abs(weight[j * shape.dim + c]);
        dweight_terms[j * shape.dim + c] += size * std::abs(x[r * shape.dim + c]);
      }
    }
  }
};

}  // namespace

void linear_cross_entropy_cases(std::vector<OpCase>& cases) {
  for (const Shape& shape : {Shape{1, 1, 1}, Shape{1, 17, 8}, Shape{7, 33, 20, true, 0.5}, Shape{40, 301, 65},
                             Shape{530, 67, 24, true}, Shape{9, 65, 20, true, 0.7, 2}, Shape{20, 301, 33, false, 1, 30},
                             Shape{17, 67, 20, false, 0.5, 0, true}, Shape{530, 33, 8, true, 1, 3, true}})
    add_cases<Problem>(cases, "linear_cross_entropy", shape);
  add_benchmarks<Problem>(cases, "linear_cross_entropy", Shape{2048, 16000, 512});
}

}  // namespace maru::kernels
