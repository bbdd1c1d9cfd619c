#include "ops/attention.h"

#include <fmt/format.h>

#include <algorithm>

namespace maru {
namespace {

void check_attention(const Tensor& q, const Tensor& k, const Tensor& v, const KeySpans& spans,
                     const AttentionOptions& o) {
  const bool fits = q.cols() == o.heads * o.head_dim && k.cols() == o.kv_heads * o.head_dim && v.shape() == k.shape() &&
                    q.rows() == k.rows() && spans.rows == q.rows() && o.heads % o.kv_heads == 0 &&
                    (o.causal || o.window == 0);
  if (fits) return;
  throw Failure(
      ErrorCode::kInvalidArgument,
      fmt::format(
          "[attention] q [{}, {}], k [{}, {}], v [{}, {}] and spans of {} rows do not fit {} heads, {} kv heads of {}"
          "{}",
          q.rows(), q.cols(), k.rows(), k.cols(), v.rows(), v.cols(), spans.rows, o.heads, o.kv_heads, o.head_dim,
          o.causal || o.window == 0 ? "" : "; a window needs causal attention"));
}

kernels::AttentionShape shape_of(const AttentionOptions& o, bool int8_pages = false) {
  return {.heads = o.heads,
          .kv_heads = o.kv_heads,
          .head_dim = o.head_dim,
          .scale = o.scale,
          .causal = o.causal,
          .window = o.window,
          .softcap = o.softcap,
          .int8_pages = int8_pages};
}

/// Pages of a cache, or the rows of a temporary tensor.
template <class T>
kernels::PageTable<T> page_table(const KeySpans& spans, const KeyPages& pages, const Tensor& temporary) {
  if (pages.base == nullptr) return {temporary.data<T>(), temporary.cols(), nullptr};
  return {reinterpret_cast<T*>(pages.base), pages.stride_bytes / static_cast<int64_t>(sizeof(T)),
          spans.pages.data<int32_t>()};
}

struct Saved {
  Tensor q, k, v, y, lse;  // lse is empty where nothing is recorded
  KeySpans spans;
  AttentionOptions options;
};

void forward(Context& ctx, const Saved& s, const KeyPages& pages) {
  const kernels::AttentionShape shape = shape_of(s.options, pages.int8);
  const auto* table = s.spans.table.data<kernels::AttentionSpan>();
  const int64_t count = s.spans.size(), page = kernels::page_elements(shape.kv_heads, shape.head_dim);
  const Tensor temporary = pages.base == nullptr ? ctx.empty({s.spans.num_pages, page}, s.q.dtype()) : Tensor();
  const int64_t bytes = ctx.ask(s.q.dtype(), [&]<class T>(auto& stream) {
    return kernels::attention_forward_scratch_bytes<T>(stream, shape, count);
  });
  const Tensor scratch = ctx.scratch(bytes);
  ctx.launch(s.q.dtype(), [&]<class T>(auto& stream) {
    const kernels::PageTable<T> keys = page_table<T>(s.spans, pages, temporary);
    kernels::append_keys(stream, kernels::AppendKeys<T>{.shape = shape,
                                                        .k = s.k.data<T>(),
                                                        .v = s.v.data<T>(),
                                                        .k_stride = s.k.cols(),
                                                        .v_stride = s.v.cols(),
                                                        .pages = keys,
                                                        .spans = table,
                                                        .num_spans = count});
    kernels::attention_forward(stream, kernels::AttentionForward<T>{.shape = shape,
                                                                    .out = s.y.data<T>(),
                                                                    .out_stride = s.y.cols(),
                                                                    .lse = s.lse.data<kernels::Accumulator<T>>(),
                                                                    .q = s.q.data<T>(),
                                                                    .q_stride = s.q.cols(),
                                                                    .pages = {keys.memory, keys.stride, keys.ids},
                                                                    .spans = table,
                                                                    .num_spans = count,
                                                                    .scratch = scratch.data<std::byte>()});
  });
}

void backward(Context& c, const Saved& s, const Tensor& dy) {
  const Gradient dq = c.tape->gradient_or_scratch(c, s.q), dk = c.tape->gradient_or_scratch(c, s.k),
                 dv = c.tape->gradient_or_scratch(c, s.v);
  const kernels::AttentionShape shape = shape_of(s.options);
  const int64_t bytes = c.ask(s.q.dtype(), [&]<class T>(auto& stream) {
    return kernels::attention_backward_scratch_bytes<T>(stream, shape, s.spans.size(), s.spans.rows, s.spans.longest);
  });
  const Tensor scratch = c.scratch(bytes);
  c.launch(s.q.dtype(), [&]<class T>(auto& stream) {
    const int64_t wide = s.q.cols(), narrow = s.k.cols();
    kernels::attention_backward(stream,
                                kernels::AttentionBackward<T>{.shape = shape,
                                                              .dq = dq.template data<T>(),
                                                              .dk = dk.template data<T>(),
                                                              .dv = dv.template data<T>(),
                                                              .dq_stride = wide,
                                                              .dk_stride = narrow,
                                                              .dv_stride = narrow,
                                                              .add_dq = dq.add,
                                                              .add_dk = dk.add,
                                                              .add_dv = dv.add,
                                                              .dout = dy.data<T>(),
                                                              .out = s.y.data<T>(),
                                                              .q = s.q.data<T>(),
                                                              .k = s.k.data<T>(),
                                                              .v = s.v.data<T>(),
                                                              .dout_stride = wide,
                                                              .out_stride = wide,
                                                              .q_stride = wide,
                                                              .k_stride = narrow,
                                                              .v_stride = narrow,
                                                              .lse = s.lse.data<kernels::Accumulator<T>>(),
                                                              .spans = s.spans.table.data<kernels::AttentionSpan>(),
                                                              .num_spans = s.spans.size(),
                                                              .scratch = scratch.data<std::byte>()});
  });
}

}  // namespace

size_t page_bytes(int64_t kv_heads, int64_t head_dim, Dtype dtype, bool int8) {
  if (int8) return static_cast<size_t>(kernels::int8_page_bytes(kv_heads, head_dim));
  return static_cast<size_t>(kernels::page_elements(kv_heads, head_dim)) * size_of(dtype);
}

int64_t pages_for(int64_t num_tokens) { return kernels::divide_up(num_tokens, kernels::kPageTokens); }

KeySpans::KeySpans(Context& ctx, std::vector<KeySpan> spans, std::span<const int32_t> page_ids)
    : host(std::move(spans)) {
  std::vector<kernels::AttentionSpan> entries;
  for (const KeySpan& span : host) {
    entries.push_back({.first_row = span.first_row, .rows = span.rows, .past = span.past, .first_page = num_pages});
    const int64_t keys = span.past + span.rows;
    rows += span.rows;
    longest = std::max(longest, keys);
    num_pages += pages_for(keys);
  }
  CHECK(page_ids.empty() || static_cast<int64_t>(page_ids.size()) == num_pages);
  table = ctx.upload(entries.data(), {size(), sizeof entries[0]}, Dtype::kU8);
  if (!page_ids.empty()) pages = ctx.upload(page_ids.data(), {num_pages, 1}, Dtype::kI32);
}

Tensor attention(Context& ctx, const Tensor& q, const Tensor& k, const Tensor& v, const KeySpans& spans,
                 const AttentionOptions& options, const KeyPages& pages) {
  check_attention(q, k, v, spans, options);
  const bool cached = pages.base != nullptr, record = ctx.recording(q, k, v);
  CHECK(!cached || spans.pages.rows() == spans.num_pages);
  CHECK(!(record && cached) && "a cache holds no gradients");
  Tensor y = ctx.empty(q.shape(), q.dtype());
  const Tensor lse = record ? ctx.empty({q.rows(), options.heads}, accumulator_of(q.dtype())) : Tensor();
  const Saved saved{q, k, v, y, lse, spans, options};
  forward(ctx, saved, pages);
  if (record) ctx.tape->record(y, [=](Context& c, const Tensor& dy) { backward(c, saved, dy); });
  return y;
}

}  // namespace maru
