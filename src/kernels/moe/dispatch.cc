#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/moe/moe.h"
#include "kernels/moe/reference.h"

namespace maru::kernels {
namespace {

constexpr double kNever = -std::numeric_limits<double>::infinity();

template <class A>
double size_of(const A& x) {
  return static_cast<double>(std::real(x));
}

/// Probabilities, or sigmoids.
template <class A>
void score(const A* logits, int64_t experts, bool sigmoid, A* scores) {
  double largest = kNever;
  for (int64_t e = 0; e < experts; ++e) largest = std::max(largest, size_of(logits[e]));
  A sum = 0;
  for (int64_t e = 0; e < experts; ++e) {
    scores[e] = sigmoid ? A(1) / (A(1) + std::exp(-logits[e])) : std::exp(logits[e] - A(largest));
    sum += scores[e];
  }
  for (int64_t e = 0; e < experts && !sigmoid; ++e) scores[e] /= sum;
}

/// The two largest of a group, together.
template <class A>
double group_score(const A* choice, int64_t size) {
  double first = kNever, second = kNever;
  for (int64_t e = 0; e < size; ++e) {
    const double x = size_of(choice[e]);
    if (x > first)
      second = first, first = x;
    else
      second = std::max(second, x);
  }
  return size > 1 ? first + second : first;
}

/// Experts outside of the best groups are out of the question. `marks` holds a number per group.
template <class A>
void keep_top_groups(const Route<A>& a, A* choice, A* marks) {
  const int64_t size = a.experts / a.groups;
  for (int64_t g = 0; g < a.groups; ++g) marks[g] = A(group_score(choice + g * size, size));
  for (int64_t g = 0; g < a.groups; ++g) {
    int64_t better = 0;
    for (int64_t h = 0; h < a.groups; ++h)
      better += size_of(marks[h]) > size_of(marks[g]) || (h < g && size_of(marks[h]) == size_of(marks[g])) ? 1 : 0;
    for (int64_t e = g * size; better >= a.top_groups && e < (g + 1) * size; ++e) choice[e] = A(kNever);
  }
}

/// Before a row's scores are added up.
constexpr double floor_of_sum(bool sigmoid) { return sigmoid ? 1e-20 : 0; }

/// The experts of a row go to `chosen`, ascending; their scores to `weights`.
template <class A>
void choose(const Route<A>& a, const A* scores, A* choice, int32_t* chosen, A* weights) {
  for (int64_t i = 0; i < a.per_token; ++i) {
    int64_t best = 0;
    for (int64_t e = 1; e < a.experts; ++e)
      if (size_of(choice[e]) > size_of(choice[best])) best = e;
    chosen[i] = static_cast<int32_t>(best);
    choice[best] = A(kNever);
  }
  std::sort(chosen, chosen + a.per_token);
  A sum = A(floor_of_sum(a.sigmoid));
  for (int64_t i = 0; i < a.per_token; ++i) sum += weights[i] = scores[chosen[i]];
  for (int64_t i = 0; i < a.per_token; ++i) weights[i] *= A(a.scale) / (a.normalise ? sum : A(1));
}

/// From the expert of each pair to its place in the order of experts.
template <class A>
void group(const Route<A>& a) {
  const int64_t pairs = a.rows * a.per_token;
  std::fill_n(a.first, a.experts + 1, 0);
  for (int64_t i = 0; i < pairs; ++i) ++a.first[a.places[i] + 1];
  for (int64_t e = 0; e < a.experts; ++e) a.first[e + 1] += a.first[e];
  for (int64_t i = 0; i < pairs; ++i) {
    const int32_t place = a.first[a.places[i]]++;
    a.grouped_rows[place] = static_cast<int32_t>(i / a.per_token);
    a.places[i] = place;
  }
  for (int64_t e = a.experts; e > 0; --e) a.first[e] = a.first[e - 1];  // they moved on to the next expert's
  a.first[0] = 0;
}

/// The expert whose rows include this one.
int64_t expert_at(const int32_t* first, int64_t experts, int32_t place) {
  return std::upper_bound(first, first + experts + 1, place) - first - 1;
}

/// Gradients of a row's scores: those of wᵢ = scale · sᵢ / Σ s, or of wᵢ = scale · sᵢ.
template <class A>
void score_gradients(const RouteBackward<A>& a, int64_t row, const A* scores, A* dscores) {
  const A* dweights = a.dweights + row * a.per_token;
  const auto expert = [&](int64_t i) { return expert_at(a.first, a.experts, a.places[row * a.per_token + i]); };
  A sum = A(floor_of_sum(a.sigmoid)), mixed = 0;
  for (int64_t i = 0; i < a.per_token; ++i) {
    sum += scores[expert(i)];
    mixed += dweights[i] * scores[expert(i)];
  }
  std::fill_n(dscores, a.experts, A(0));
  for (int64_t i = 0; i < a.per_token; ++i)
    dscores[expert(i)] = A(a.scale) * (a.normalise ? (dweights[i] - mixed / sum) / sum : dweights[i]);
}

/// From the gradients of scores to those of the logits.
template <class A>
void add_logit_gradients(const RouteBackward<A>& a, const A* scores, const A* dscores, A* dlogits) {
  A mean = 0;
  for (int64_t e = 0; e < a.experts && !a.sigmoid; ++e) mean += scores[e] * dscores[e];
  for (int64_t e = 0; e < a.experts; ++e) {
    const A slope = a.sigmoid ? dscores[e] * (A(1) - scores[e]) : dscores[e] - mean;
    dlogits[e] = (a.add_dlogits ? dlogits[e] : A(0)) + scores[e] * slope;
  }
}

}  // namespace

template <class A>
int64_t route_scratch_bytes(const CpuStream&, int64_t experts) {
  return 3 * experts * static_cast<int64_t>(sizeof(A));
}

template <class A>
void route(CpuStream&, const Route<A>& a) {
  A *scores = reinterpret_cast<A*>(a.scratch), *choice = scores + a.experts, *marks = choice + a.experts;
  for (int64_t r = 0; r < a.rows; ++r) {
    score(a.logits + r * a.experts, a.experts, a.sigmoid, scores);
    for (int64_t e = 0; e < a.experts; ++e) choice[e] = scores[e] + (a.bias != nullptr ? a.bias[e] : A(0));
    if (a.top_groups < a.groups) keep_top_groups(a, choice, marks);
    choose(a, scores, choice, a.places + r * a.per_token, a.weights + r * a.per_token);
  }
  group(a);
  std::fill_n(a.grouped_rows + a.rows * a.per_token, a.spare, 0);
}

template <class A>
void route_backward(CpuStream&, const RouteBackward<A>& a) {
  A *scores = reinterpret_cast<A*>(a.scratch), *dscores = scores + a.experts;
  for (int64_t r = 0; r < a.rows; ++r) {
    score(a.logits + r * a.experts, a.experts, a.sigmoid, scores);
    score_gradients(a, r, scores, dscores);
    add_logit_gradients(a, scores, dscores, a.dlogits + r * a.experts);
  }
}

template <class T>
void combine(CpuStream& stream, const Combine<T>& a) {
  if constexpr (kIsSimd<T>) {
    with_isa(stream.isa, [&]<Isa isa>() { combine<isa>(*stream.pool, a); });
  } else {
    reference::combine(a);
  }
}

template <class T>
void combine_backward(CpuStream& stream, const CombineBackward<T>& a) {
  if constexpr (kIsSimd<T>) {
    with_isa(stream.isa, [&]<Isa isa>() { combine_backward<isa>(*stream.pool, a); });
  } else {
    reference::combine_backward(a);
  }
}

template int64_t route_scratch_bytes<float>(const CpuStream&, int64_t);
template int64_t route_scratch_bytes<double>(const CpuStream&, int64_t);
template int64_t route_scratch_bytes<std::complex<double>>(const CpuStream&, int64_t);
template void route(CpuStream&, const Route<float>&);
template void route(CpuStream&, const Route<double>&);
template void route(CpuStream&, const Route<std::complex<double>>&);
template void route_backward(CpuStream&, const RouteBackward<float>&);
template void route_backward(CpuStream&, const RouteBackward<double>&);
template void route_backward(CpuStream&, const RouteBackward<std::complex<double>>&);
template void combine_backward(CpuStream&, const CombineBackward<float>&);
template void combine_backward(CpuStream&, const CombineBackward<bfloat16>&);
template void combine_backward(CpuStream&, const CombineBackward<double>&);
template void combine_backward(CpuStream&, const CombineBackward<std::complex<double>>&);
template void combine(CpuStream&, const Combine<float>&);
template void combine(CpuStream&, const Combine<bfloat16>&);
template void combine(CpuStream&, const Combine<double>&);
template void combine(CpuStream&, const Combine<std::complex<double>>&);

}  // namespace maru::kernels
