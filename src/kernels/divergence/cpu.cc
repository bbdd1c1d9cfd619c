// The divergence of two distributions, three passes over a row. Compiled once per instruction set.
#include "kernels/divergence/divergence.h"
#include "kernels/simd/softmax.h"

namespace maru::kernels {
namespace {

enum class Kind { kForward, kReverse, kMixed };  // beta 0, 1, between

Kind kind_of(float beta) { return beta == 0 ? Kind::kForward : beta == 1 ? Kind::kReverse : Kind::kMixed; }

float log_sum_exp(const float* x, int64_t n, float scale) {
  const float largest = scaled_maximum(x, n, scale);
  return __builtin_logf(sum_of_exponentials(x, n, scale, largest)) + largest;
}

/// Of the tokens of a register: their parts of D, and what stands in the gradient.
struct Tokens {
  F32 part, slope;
};

template <Kind kKind>
MARU_INLINE Tokens tokens_of(F32 s, F32 t, F32 p, float beta) {
  const F32 q = exp(t), d = t - s;
  if constexpr (kKind == Kind::kForward) return {q * d, q};
  if constexpr (kKind == Kind::kReverse) return {F32() - p * d, F32() - d};
  // log M less the larger of the two is log(large + small e^−|d|) with their parts of M: exactly 0 where d is 0.
  const F32 above = max(d, F32()), below = min(d, F32());
  const F32 teachers = keep_above(d, 0, F32(1.0f)), students = F32(1.0f) - teachers;  // whose is the larger one
  const F32 large = fma(teachers, F32(beta), students * F32(1 - beta));
  const F32 small = fma(teachers, F32(1 - beta), students * F32(beta));
  const F32 mixed = log(fma(small, exp(below - above), large));
  const F32 over_s = mixed + above, over_t = mixed - below;  // log M − log S, log M − log T
  const F32 slope = F32(beta - 1) * over_s;
  return {fma(p, slope, F32(-beta) * (q * over_t)), slope};
}

class Row {
 public:
  Row(const Divergence<float>& a, int64_t r)
      : a_(a),
        student_(a.student + r * a.student_vocab),
        teacher_(a.teacher + r * a.teacher_vocab),
        target_(a.targets[r]),
        shared_(a.student_vocab < a.teacher_vocab ? a.student_vocab : a.teacher_vocab),
        beta_(static_cast<float>(a.beta)),
        next_token_(static_cast<float>(a.next_token)),
        per_temperature_(static_cast<float>(1 / a.temperature)),
        weight_(
            static_cast<float>(a.scale * (a.row_weights != nullptr ? static_cast<double>(a.row_weights[r]) : 1.0))) {}

  /// Its loss; the student's logits become their gradients.
  float run() {
    if (target_ < 0) {
      if (a_.gradients) __builtin_memset(student_, 0, static_cast<size_t>(a_.student_vocab) * sizeof(float));
      return 0;
    }
    of_student_ = log_sum_exp(student_, shared_, per_temperature_);
    of_teacher_ = log_sum_exp(teacher_, shared_, per_temperature_);
    if (next_token_ != 0) plain_ = log_sum_exp(student_, a_.student_vocab, 1);
    const float at_target = student_[target_];
    switch (kind_of(beta_)) {
      case Kind::kForward: diverge<Kind::kForward>(); break;
      case Kind::kReverse: diverge<Kind::kReverse>(); break;
      case Kind::kMixed: diverge<Kind::kMixed>(); break;
    }
    if (next_token_ == 0) return loss_;
    if (a_.gradients) {
      const float part = a_.softcap != 0 ? at_target / static_cast<float>(a_.softcap) : 0.0f;
      student_[target_] -= next_token_ * weight_ * (1 - part * part);
    }
    return loss_ + next_token_ * (plain_ - at_target);
  }

 private:
  template <Kind kKind>
  void diverge() {
    F32 loss, mean;
    for_lanes(shared_, [&](int64_t i, int64_t count) {
      const F32 s = fma(load(student_ + i, count), F32(per_temperature_), F32(-of_student_));
      const F32 t = fma(load(teacher_ + i, count), F32(per_temperature_), F32(-of_teacher_));
      const F32 p = exp(s);
      const Tokens tokens = tokens_of<kKind>(s, t, p, beta_);
      loss = loss + keep_first(tokens.part, count);
      mean = mean + keep_first(p * tokens.slope, count);
      store(teacher_ + i, tokens.slope, count);
    });
    loss_ = reduce_add(loss);
    if (!a_.gradients) return;
    const F32 of_all(reduce_add(mean));
    differentiate(0, shared_, [&](int64_t i, int64_t count, F32 logits) {
      const F32 slope = load(teacher_ + i, count);
      const F32 p = exp(fma(logits, F32(per_temperature_), F32(-of_student_)));
      return (kKind == Kind::kForward ? p - slope : p * (slope - of_all)) * F32(per_temperature_);
    });
    differentiate(shared_, a_.student_vocab, [&](int64_t, int64_t, F32) { return F32(); });
  }

  // Logits from `first` to `last` become their gradients: `f` of D, and the next token's but for its target.
  template <class F>
  void differentiate(int64_t first, int64_t last, const F& f) {
    const F32 per_cap(a_.softcap != 0 ? static_cast<float>(1 / a_.softcap) : 0.0f);
    for_lanes(last - first, [&](int64_t at, int64_t count) {
      const int64_t i = first + at;
      const F32 logits = load(student_ + i, count), part = logits * per_cap;
      F32 gradient = f(i, count, logits);
      if (next_token_ != 0) gradient = fma(F32(next_token_), exp(logits - F32(plain_)), gradient);
      store(student_ + i, gradient * F32(weight_) * fma(F32() - part, part, F32(1.0f)), count);
    });
  }

  const Divergence<float>& a_;
  float *student_, *teacher_;
  int32_t target_;
  int64_t shared_;
  float beta_, next_token_, per_temperature_, weight_;
  float of_student_ = 0, of_teacher_ = 0, plain_ = 0, loss_ = 0;  // logs of sums of exponentials, and D
};

}  // namespace

template <>
void divergence<kIsa>(ThreadPool& pool, const Divergence<float>& a) {
  for_rows(pool, a.rows, a.student_vocab, [&](int64_t r) { a.token_loss[r] = Row(a, r).run(); });
  double sum = 0;
  for (int64_t r = 0; r < a.rows; ++r)
    sum +=
        static_cast<double>(a.token_loss[r]) * (a.row_weights != nullptr ? static_cast<double>(a.row_weights[r]) : 1.0);
  *a.loss += static_cast<float>(sum * a.scale);
}

}  // namespace maru::kernels
