// Where the divergence of two distributions is tested and timed.
#include <fmt/format.h>

#include <algorithm>

#include "kernels/divergence/divergence.h"
#include "kernels/divergence/reference.h"
#include "kernels/testing.h"

namespace maru::kernels {
namespace {

struct Shape {
  int64_t rows, student_vocab, teacher_vocab;
  double beta, temperature = 1, next_token = 0;
  double spread = 2;  // of the logits
  double softcap = 0;
  bool weighted = false;
  std::string name() const {
    return fmt::format("{} x {} of {}, beta {}{}{}{}{}{}", rows, student_vocab, teacher_vocab, beta,
                       temperature != 1 ? fmt::format(", temperature {}", temperature) : "",
                       next_token > 0 ? fmt::format(", {} of the next token", next_token) : "",
                       spread != 2 ? fmt::format(", logits up to {}", 4 * spread) : "",
                       softcap > 0 ? fmt::format(", capped at {}", softcap) : "", weighted ? ", weighted" : "");
  }
  double flops() const { return 60.0 * static_cast<double>(rows * student_vocab); }
  double bytes(double) const { return 5 * 4.0 * static_cast<double>(rows * student_vocab); }
};

template <class T>
struct Problem {
  Shape shape;
  double scale;
  std::vector<T> logits, teacher_logits, dlogits, teacher;
  std::vector<T> loss, one, token_loss, row_weights;
  std::vector<int32_t> targets;

  Problem(Inputs& in, const Shape& s)
      : shape(s),
        scale(1.0 / static_cast<double>(s.rows)),
        logits(in.normal<T>(s.rows * s.student_vocab, s.spread)),
        teacher_logits(in.normal<T>(s.rows * s.teacher_vocab, s.spread)),
        dlogits(in.blank<T>(s.rows * s.student_vocab)),
        loss(in.gradient<T>(1, true)),
        one(1, T(1)),
        token_loss(in.blank<T>(s.rows)),
        targets(in.integers(s.rows, s.student_vocab)) {
    for (int64_t r = 1; r < s.rows; r += 3) targets[r] = -1;
    if (s.weighted) row_weights = in.normal<T>(s.rows);
  }

  T capped(T logit) const {
    return shape.softcap == 0 ? logit : T(shape.softcap) * std::tanh(logit / T(shape.softcap));
  }
  void compute(auto& stream, int64_t first, int64_t rows, bool gradients) {
    std::transform(logits.begin(), logits.end(), dlogits.begin(), [&](T x) { return capped(x); });
    teacher = teacher_logits;
    divergence<T>(stream, {.loss = loss.data(),
                           .token_loss = token_loss.data() + first,
                           .student = dlogits.data() + first * shape.student_vocab,
                           .teacher = teacher.data() + first * shape.teacher_vocab,
                           .targets = targets.data() + first,
                           .rows = rows,
                           .student_vocab = shape.student_vocab,
                           .teacher_vocab = shape.teacher_vocab,
                           .beta = shape.beta,
                           .temperature = shape.temperature,
                           .next_token = shape.next_token,
                           .scale = scale,
                           .gradients = gradients,
                           .softcap = shape.softcap,
                           .row_weights = shape.weighted ? row_weights.data() + first : nullptr});
  }
  void run(auto& stream) { compute(stream, 0, shape.rows, true); }
  void forward(auto& stream) { compute(stream, 0, shape.rows, false); }

  template <class Visit>
  void outputs(Visit&& visit) {
    visit("loss", loss);
    visit("token_loss", token_loss);
    visit("dlogits", dlogits);
  }
  template <class Visit>
  void inputs(Visit&& visit) {
    visit(logits, dlogits);
  }
  template <class Visit>
  void results(Visit&& visit) {
    visit(loss, one);
  }

  // The error of a log-probability is that of its logit and of the log of the sum.
  std::vector<Tolerance> tolerances() const {
    std::vector<double> losses(targets.size()), gradients(dlogits.size());
    double all = std::abs(loss[0]);
    for (int64_t r = 0; r < shape.rows; ++r) {
      if (targets[r] < 0) continue;
      losses[r] = add_terms(r, gradients);
      all += scale * std::abs(weight_of(r)) * losses[r];
    }
    return {{8, {all}}, {1, losses}, {1, gradients}};
  }
  bool rows_alone(auto& stream) {
    run(stream);
    const std::vector<T> together = token_loss, gradients = dlogits;
    for (int64_t r : {int64_t{0}, shape.rows / 2, shape.rows - 1}) {
      compute(stream, r, 1, true);
      const auto begin = static_cast<ptrdiff_t>(r * shape.student_vocab);
      if (token_loss[r] != together[r] ||
          !std::equal(dlogits.begin() + begin, dlogits.begin() + begin + shape.student_vocab,
                      gradients.begin() + begin))
        return false;
    }
    return true;
  }

 private:
  double weight_of(int64_t r) const { return shape.weighted ? std::real(row_weights[r]) : 1; }
  double largest_logit(int64_t r) const {
    double most = shape.softcap;
    for (int64_t j = 0; j < shape.student_vocab; ++j)
      most = std::max(most, std::abs(std::real(logits[r * shape.student_vocab + j])));
    for (int64_t j = 0; j < shape.teacher_vocab; ++j)
      most = std::max(most, std::abs(std::real(teacher_logits[r * shape.teacher_vocab + j])));
    return most;
  }
  // Of the row's loss and, added to `gradients`, of its gradients, in roundings.
  double add_terms(int64_t r, std::vector<double>& gradients) const {
    std::vector<T> z;
    for (int64_t j = 0; j < shape.student_vocab; ++j) z.push_back(capped(logits[r * shape.student_vocab + j]));
    const int64_t shared = std::min(shape.student_vocab, shape.teacher_vocab);
    const auto s = reference::log_softmax(z.data(), shared, shape.temperature);
    const auto t = reference::log_softmax(teacher_logits.data() + r * shape.teacher_vocab, shared, shape.temperature);
    const auto plain = reference::log_softmax(z.data(), shape.student_vocab, 1);
    const double sums = sum_roundings(shape.student_vocab);
    const double logs = sums + 8 * largest_logit(r) * std::max(1.0, 1 / shape.temperature);
    double terms = 0, slopes = 0;
    for (int64_t j = 0; j < shared; ++j) {
      const double p = std::exp(std::real(s[j])), q = std::exp(std::real(t[j]));
      const double d = std::abs(std::real(t[j] - s[j]));
      terms += (p + q) * d, slopes += p * slope_of(s[j], t[j]);
    }
    for (int64_t j = 0; j < shape.student_vocab; ++j) {
      const double plain_part = shape.next_token * (std::exp(std::real(plain[j])) + (j == targets[r] ? 1 : 0));
      double size = plain_part * logs;
      if (j < shared) {
        const double p = std::exp(std::real(s[j])), q = std::exp(std::real(t[j]));
        const double both = slope_of(s[j], t[j]) + slopes;
        const double part = shape.beta == 0 ? (p + q) * logs : p * (both * (logs + sums) + 2 * logs);
        size += (part + kUnderflow * both) / shape.temperature;
      }
      gradients[r * shape.student_vocab + j] += size * scale * std::abs(weight_of(r));
    }
    const double next = shape.next_token * (logs + sums * std::abs(std::real(plain[targets[r]])));
    return terms * (sums + logs) + 2 * logs + next;
  }
  static constexpr double kUnderflow = 1.2e-38 / kUnitRoundoff<float>;  // below it probabilities are 0
  double slope_of(T s, T t) const {
    return shape.beta == 0 ? 1 : std::abs(std::real(reference::divergence_of_token(s, t, shape.beta).slope));
  }
};

}  // namespace

void divergence_cases(std::vector<OpCase>& cases) {
  for (const Shape& shape :
       {Shape{1, 1, 1, 0.5}, Shape{7, 33, 33, 0}, Shape{7, 33, 33, 1, 0.9}, Shape{40, 301, 301, 0.5, 0.9, 0.5},
        Shape{530, 67, 67, 0.1, 2}, Shape{9, 65, 70, 0.9, 0.7, 2}, Shape{9, 70, 65, 0.3, 1, 1},
        Shape{20, 301, 301, 0.5, 1, 0.3, 8}, Shape{20, 65, 65, 0, 0.5, 1, 8}, Shape{20, 65, 65, 1, 0.5, 0, 8},
        Shape{5, 33, 33, 0.5, 0.25, 0, 8}, Shape{5, 33, 33, 1, 0.1, 0, 8}, Shape{5, 33, 33, 1e-6, 1},
        Shape{5, 33, 33, 0.999999, 1}, Shape{17, 67, 67, 0.5, 0.9, 1, 2, 3}, Shape{17, 67, 67, 0.25, 1, 0, 2, 0, true},
        Shape{12, 33, 40, 0, 1, 0.5, 2, 5, true}})
    cases.push_back(test_case<Problem, float>("divergence", shape));
  cases.push_back(benchmark_case<Problem, float>("divergence", Shape{512, 16000, 16000, 0.5, 0.9}));
}

}  // namespace maru::kernels
