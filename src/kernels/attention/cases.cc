// Where attention is tested and timed.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>
#include <numeric>

#include "kernels/attention/attention.h"
#include "kernels/testing.h"

namespace maru::kernels {
namespace {

struct Shape {
  std::vector<int64_t> lengths;  // of the packed sequences
  int64_t heads, kv_heads, head_dim;
  bool causal = true, add = false;
  int64_t window = 0;
  double softcap = 0;

  int64_t rows() const { return std::accumulate(lengths.begin(), lengths.end(), int64_t{0}); }
  AttentionShape attention() const {
    return {heads, kv_heads, head_dim, 1 / std::sqrt(static_cast<double>(head_dim)), causal, window, softcap};
  }
  std::string name() const {
    return fmt::format("{} tokens, {}/{} heads of {}{}{}{}{}", fmt::join(lengths, "+"), heads, kv_heads, head_dim,
                       causal ? "" : ", not causal", add ? ", adding" : "",
                       window > 0 ? fmt::format(", a window of {}", window) : "",
                       softcap > 0 ? fmt::format(", capped at {}", softcap) : "");
  }
  /// Pairs of query and key that see each other.
  double pairs() const {
    double sum = 0;
    for (const auto n : lengths) {
      const int64_t hidden = window > 0 && n > window ? (n - window) * (n - window + 1) / 2 : 0;
      sum += static_cast<double>((causal ? n * (n + 1) / 2 : n * n) - hidden);
    }
    return sum;
  }
  double flops() const { return (4 + 10) * pairs() * static_cast<double>(heads * head_dim); }
  double bytes(double element_bytes) const {
    return element_bytes * static_cast<double>(rows() * head_dim * (6 * heads + 6 * kv_heads));
  }
};

/// Pages for sequences of given lengths, in descending order and with memory of others between them, and spans over
/// them.
template <class T>
struct Pages {
  std::vector<T> memory;
  std::vector<int32_t> ids;
  std::vector<AttentionSpan> spans;
  int64_t stride;

  Pages(const Shape& s) : stride(page_elements(s.kv_heads, s.head_dim) + 64) {
    int64_t row = 0, pages = 0;
    for (const auto n : s.lengths) {
      spans.push_back({row, n, 0, pages});
      row += n;
      pages += divide_up(n, kPageTokens);
    }
    for (int64_t i = pages; i-- > 0;) ids.push_back(static_cast<int32_t>(i));
    memory.resize(static_cast<size_t>(pages * stride + 64), from_f64<T>(std::nan("")));
  }
  PageTable<T> table() {
    T* first = memory.data() + (64 - reinterpret_cast<uintptr_t>(memory.data()) % 64) % 64 / sizeof(T);
    return {first, stride, ids.data()};
  }
};

template <class T>
struct Problem {
  using A = Accumulator<T>;
  Shape shape;
  Inputs::Round round;
  int64_t rows = shape.rows(), q_cols = shape.heads * shape.head_dim, kv_cols = shape.kv_heads * shape.head_dim;
  std::vector<T> q, k, v, dout, out, dq, dk, dv;
  std::vector<A> lse;
  Pages<T> pages;
  std::vector<std::byte> scratch;

  Problem(Inputs& in, const Shape& s)
      : shape(s),
        round(in.round()),
        q(in.normal<T>(rows * q_cols)),
        k(in.normal<T>(rows * kv_cols)),
        v(in.normal<T>(rows * kv_cols)),
        dout(in.normal<T>(rows * q_cols)),
        out(in.blank<T>(rows * q_cols)),
        dq(in.gradient<T>(rows * q_cols, s.add)),
        dk(in.gradient<T>(rows * kv_cols, s.add)),
        dv(in.gradient<T>(rows * kv_cols, s.add)),
        lse(in.blank<A>(rows * s.heads)),
        pages(s) {}

  void reserve(int64_t bytes) {
    if (static_cast<size_t>(bytes) > scratch.size()) scratch.assign(static_cast<size_t>(bytes), std::byte{0xff});
  }
  void forward_spans(auto& stream, const std::vector<AttentionSpan>& s) {
    const auto n = static_cast<int64_t>(s.size());
    reserve(attention_forward_scratch_bytes<T>(stream, shape.attention(), n));
    const PageTable<T> table = pages.table();
    append_keys<T>(stream, {.shape = shape.attention(),
                            .k = k.data(),
                            .v = v.data(),
                            .k_stride = kv_cols,
                            .v_stride = kv_cols,
                            .pages = table,
                            .spans = s.data(),
                            .num_spans = n});
    attention_forward<T>(stream, {.shape = shape.attention(),
                                  .out = out.data(),
                                  .out_stride = q_cols,
                                  .lse = lse.data(),
                                  .q = q.data(),
                                  .q_stride = q_cols,
                                  .pages = {table.memory, table.stride, table.ids},
                                  .spans = s.data(),
                                  .num_spans = n,
                                  .scratch = scratch.data()});
  }
  void forward(auto& stream) { forward_spans(stream, pages.spans); }
  void backward(auto& stream) {
    const int64_t n = static_cast<int64_t>(shape.lengths.size()),
                  longest = *std::max_element(shape.lengths.begin(), shape.lengths.end());
    reserve(attention_backward_scratch_bytes<T>(stream, shape.attention(), n, rows, longest));
    attention_backward<T>(stream, {.shape = shape.attention(),
                                   .dq = dq.data(),
                                   .dk = dk.data(),
                                   .dv = dv.data(),
                                   .dq_stride = q_cols,
                                   .dk_stride = kv_cols,
                                   .dv_stride = kv_cols,
                                   .add_dq = shape.add,
                                   .add_dk = shape.add,
                                   .add_dv = shape.add,
                                   .dout = dout.data(),
                                   .out = out.data(),
                                   .q = q.data(),
                                   .k = k.data(),
                                   .v = v.data(),
                                   .dout_stride = q_cols,
                                   .out_stride = q_cols,
                                   .q_stride = q_cols,
                                   .k_stride = kv_cols,
                                   .v_stride = kv_cols,
                                   .lse = lse.data(),
                                   .spans = pages.spans.data(),
                                   .num_spans = n,
                                   .scratch = scratch.data()});
  }
  void run(auto& stream) {
    forward(stream);
    backward(stream);
  }
  template <class Visit>
  void outputs(Visit&& visit) {
    visit("out", out);
    visit("lse", lse);
    visit("dq", dq);
    visit("dk", dk);
    visit("dv", dv);
  }
  template <class Visit>
  void inputs(Visit&& visit) {
    visit(q, dq);
    visit(k, dk);
    visit(v, dv);
  }
  template <class Visit>
  void results(Visit&& visit) {
    visit(out, dout);
  }
  std::vector<Tolerance> tolerances() const;
  bool rows_alone(auto& stream);
};

/// Magnitudes of every term of attention, from the reference's own numbers.
struct Magnitudes {
  const Problem<double>& p;
  std::vector<double> out, lse, dq, dk, dv;

  explicit Magnitudes(const Problem<double>& problem)
      : p(problem),
        out(p.q.size()),
        lse(p.lse.size()),
        dq(magnitude_before(p.dq)),
        dk(magnitude_before(p.dk)),
        dv(magnitude_before(p.dv)) {
    for (const auto& span : p.pages.spans)
      for (int64_t r = 0; r < span.rows; ++r)
        for (int64_t h = 0; h < p.shape.heads; ++h)
          add_query(span.first_row + first_key_seen(p.shape.attention(), r), span.first_row + r,
                    span.first_row + (p.shape.causal ? r + 1 : span.rows), h);
  }

 private:
  // What was there before the gradient was added: inputs are normal, so 6 is more than any of them.
  std::vector<double> magnitude_before(const std::vector<double>& x) const {
    return std::vector<double>(x.size(), p.shape.add ? 6 : 0);
  }
  double dot(const double* a, const double* b) const {
    double sum = 0;
    for (int64_t d = 0; d < p.shape.head_dim; ++d) sum += a[d] * b[d];
    return sum;
  }
  double size(const double* a, const double* b) const {
    double sum = 0;
    for (int64_t d = 0; d < p.shape.head_dim; ++d) sum += std::abs(a[d] * b[d]);
    return sum;
  }
  double capped(double score) const {
    return p.shape.softcap == 0 ? score : p.shape.softcap * std::tanh(score / p.shape.softcap);
  }
  void add_query(int64_t first, int64_t row, int64_t end, int64_t h) {
    const int64_t n = p.shape.head_dim, at = row * p.q_cols + h * n;
    const double scale = 1 / std::sqrt(static_cast<double>(n)), lse_row = p.lse[row * p.shape.heads + h];
    // Of a score: its error is relative to this, and so is the weight's.
    double terms = 1 + std::abs(lse_row) + p.shape.softcap;
    for (int64_t j = first; j < end; ++j)
      terms = std::max(terms, 1 + std::abs(lse_row) + p.shape.softcap + scale * size(&p.q[at], key(j, h)));
    lse[row * p.shape.heads + h] = terms;
    for (int64_t j = first; j < end; ++j) {
      const double weight = std::exp(capped(scale * dot(&p.q[at], key(j, h))) - lse_row) * terms;
      const double dscore = weight * scale * (size(&p.dout[at], value(j, h)) + size(&p.dout[at], &p.out[at]));
      for (int64_t d = 0; d < n; ++d) {
        out[at + d] += weight * std::abs(value(j, h)[d]);
        dq[at + d] += dscore * std::abs(key(j, h)[d]);
        dk[key(j, h) - p.k.data() + d] += dscore * std::abs(p.q[at + d]);
        dv[value(j, h) - p.v.data() + d] += weight * std::abs(p.dout[at + d]);
      }
    }
  }
  int64_t kv_at(int64_t row, int64_t h) const {
    return row * p.kv_cols + h * p.shape.kv_heads / p.shape.heads * p.shape.head_dim;
  }
  const double* key(int64_t row, int64_t h) const { return &p.k[kv_at(row, h)]; }
  const double* value(int64_t row, int64_t h) const { return &p.v[kv_at(row, h)]; }
};

/// For bfloat16, weights, their gradients and out (which delta reads) are rounded to it in between: up to three factors
/// of (1 + u) in a term.
template <class T>
std::vector<Tolerance> Problem<T>::tolerances() const {
  if constexpr (std::is_same_v<T, double>) {
    const Magnitudes m(*this);
    const int64_t longest = *std::max_element(shape.lengths.begin(), shape.lengths.end());
    const int64_t group = shape.heads / shape.kv_heads;
    const double forward = sum_roundings(shape.head_dim) + sum_roundings(longest);
    const double backward = 2 * forward + sum_roundings(longest * group);
    const double halves = round == Inputs::Round::kBf16 ? kUnitRoundoff<bfloat16> / kUnitRoundoff<float> : 0;
    return {{forward + halves, m.out},
            {forward, m.lse},
            {backward + 3 * halves, m.dq},
            {backward + 3 * halves, m.dk},
            {backward + 3 * halves, m.dv}};
  }
  return {};
}

/// Each sequence alone, and each in chunks (if causal), into fresh pages: the bits of all sequences in one call.
template <class T>
bool Problem<T>::rows_alone(auto& stream) {
  forward(stream);
  const std::vector<T> whole = out;
  const std::vector<A> whole_lse = lse;
  for (const int64_t chunk : {1, 3, 64, 100, 1 << 20}) {
    if (!shape.causal && chunk < rows) continue;
    pages = Pages<T>(shape);
    out.assign(out.size(), T{});
    lse.assign(lse.size(), A{});
    for (const AttentionSpan& span : pages.spans)
      for (int64_t r = 0; r < span.rows; r += chunk)
        forward_spans(stream, {{span.first_row + r, std::min(chunk, span.rows - r), r, span.first_page}});
    if (std::memcmp(whole.data(), out.data(), out.size() * sizeof(T)) != 0) return false;
    if (std::memcmp(whole_lse.data(), lse.data(), lse.size() * sizeof(A)) != 0) return false;
  }
  return true;
}

}  // namespace

void attention_cases(std::vector<OpCase>& cases) {
  const std::vector<Shape> shapes = {
      {{1}, 1, 1, 2},
      {{5, 1, 9}, 2, 1, 6, true, true},
      {{65, 130}, 2, 2, 64},
      {{70}, 3, 1, 32, false, true},
      {{100, 3}, 4, 2, 80, false},
      {{129}, 7, 1, 10, true, true},
      {{64, 128}, 2, 1, 16},
      {{61}, 2, 2, 128, true, true},
      {{70, 5}, 10, 1, 4},   // blocks of 16 tokens
      {{30, 520}, 2, 1, 8},  // the backward in two ranges
      {{514}, 1, 1, 4, false, true},
      {{9, 1, 200}, 2, 1, 8, true, false, 5},    // windows shorter than a page
      {{300, 70}, 4, 2, 16, true, true, 64},     // and as long
      {{530}, 2, 2, 10, true, false, 100},       // and longer, the backward in two ranges
      {{70, 3}, 10, 1, 4, true, false, 1},       // each token alone
      {{65, 20}, 2, 1, 32, true, true, 0, 1.5},  // strongly capped
      {{150}, 3, 1, 64, true, false, 40, 30},
      {{70}, 2, 2, 16, false, false, 0, 2},
  };
  for (const Shape& shape : shapes) add_cases<Problem>(cases, "attention", shape);
  for (const Shape& shape :
       {Shape{{256, 256, 256, 256}, 12, 12, 64}, Shape{{1024}, 16, 8, 64}, Shape{{4096}, 4, 4, 64}})
    add_benchmarks<Problem>(cases, "attention", shape);
}

}  // namespace maru::kernels
