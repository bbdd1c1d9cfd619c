#include "ops/quantized.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "kernels/activation/activation.h"
#include "ops/linear.h"

namespace maru {

kernels::QuantizedMatrix quantized_matrix(const QuantizedWeight& w) {
  return {w.kind,
          w.shape.rows,
          w.shape.cols,
          w.quads.data<std::byte>(),
          w.scales.data<float16>(),
          w.offsets.data<float16>(),
          w.layout};
}

int64_t quantized_scratch_bytes(const Context& ctx, const Tensor& x) {
  return ctx.ask(x.dtype(), [&]<class T>(auto& stream) {
    return kernels::quantized_matmul_scratch_bytes(stream, x.rows(), x.cols());
  });
}

namespace {

// Activations of the types that quantized kernels know.
template <class T>
constexpr bool kIsSupported = !std::is_same_v<T, std::complex<double>>;

[[noreturn]] void refuse(const char* op, const std::string& what) {
  throw Failure(ErrorCode::kUnimplemented, fmt::format("[{}] {}", op, what));
}

void check(const char* op, const Tensor& x, const QuantizedWeight& w) {
  if (x.dtype() == Dtype::kC128) refuse(op, "activations are c128, expected bf16, f32 or f64");
  if (x.cols() == w.shape.cols) return;
  throw Failure(ErrorCode::kInvalidArgument,
                fmt::format("[{}] x is [{}, {}], expected {} columns for the quantized weight [{}, {}]", op, x.rows(),
                            x.cols(), w.shape.cols, w.shape.rows, w.shape.cols));
}

void check_bias(const Tensor& x, const QuantizedWeight& w, const Tensor& bias) {
  if (!bias || (bias.shape() == Shape{1, w.shape.rows} && bias.dtype() == x.dtype())) return;
  throw Failure(ErrorCode::kInvalidArgument,
                fmt::format("[quantized_linear] bias is [{}, {}] {}, expected [1, {}] {}", bias.rows(), bias.cols(),
                            name_of(bias.dtype()), w.shape.rows, name_of(x.dtype())));
}

template <class T, class C>
void multiply(auto& stream, const Tensor& y, const Tensor& x, const QuantizedWeight& w, const Tensor& bias,
              double multiplier, const Tensor& scratch) {
  kernels::quantized_matmul(stream, kernels::QuantizedMatmul<T, C>{.c = y.data<C>(),
                                                                   .ldc = y.cols(),
                                                                   .x = x.data<T>(),
                                                                   .ldx = x.cols(),
                                                                   .m = x.rows(),
                                                                   .w = quantized_matrix(w),
                                                                   .multiplier = multiplier,
                                                                   .bias = bias.data<T>(),
                                                                   .scratch = scratch.data<std::byte>()});
}

// `bytes` gives memory of so many bytes.
template <class Bytes>
QuantizedWeight blank(QuantizedKind kind, Shape weight, bool has_offsets, const Bytes& bytes) {
  const int64_t factors = quantized_scales_bytes(weight);
  return {kind, weight, bytes(quantized_quads_bytes(kind, weight)), bytes(factors),
          has_offsets ? bytes(factors) : Tensor()};
}

// One worker's rows on their way into a panel.
struct PackBuffers {
  std::vector<int8_t> q;
  std::vector<float> scales, offsets;
  PackBuffers(Shape weight, bool has_offsets)
      : q(static_cast<size_t>(kernels::kQuantizedPanel * weight.cols)),
        scales(static_cast<size_t>(kernels::kQuantizedPanel * kernels::quantized_groups(weight.cols))),
        offsets(has_offsets ? scales.size() : 0) {}
};

void pack_panel(const HostStream& host, const QuantizedWeight& to, int64_t panel, PackBuffers& buffers,
                const PackSource& read) {
  const int64_t first = panel * kernels::kQuantizedPanel;
  const int64_t rows = std::min(kernels::kQuantizedPanel, to.shape.rows - first);
  const int64_t group = panel * kernels::quantized_groups(to.shape.cols), at = group * kernels::kQuantizedPanel;
  float* offsets = to.offsets ? buffers.offsets.data() : nullptr;
  read(first, rows, buffers.q.data(), buffers.scales.data(), offsets);
  const bool fits = kernels::pack_quantized_panel(
      host, {.kind = to.kind,
             .quads = to.quads.data<std::byte>() + group * kernels::quantized_group_bytes(to.kind),
             .scales = to.scales.data<float16>() + at,
             .offsets = to.offsets ? to.offsets.data<float16>() + at : nullptr,
             .q = buffers.q.data(),
             .from_scales = buffers.scales.data(),
             .from_offsets = offsets,
             .rows = rows,
             .k = to.shape.cols});
  if (fits) return;
  throw Failure(ErrorCode::kInvalidArgument,
                fmt::format("[pack_quantized] rows {} to {} of a weight [{}, {}] have a scale or an offset that is not "
                            "finite or beyond 65,504",
                            first, first + rows - 1, to.shape.rows, to.shape.cols));
}

template <class T, class S>
void run_quantize(S& stream, const QuantizedWeight& to, const Tensor& weight, const Tensor& fits) {
  kernels::quantize_matrix(stream, kernels::QuantizeMatrix<T>{.kind = to.kind,
                                                              .quads = to.quads.data<std::byte>(),
                                                              .scales = to.scales.data<float16>(),
                                                              .w = weight.data<T>(),
                                                              .ldw = weight.cols(),
                                                              .n = weight.rows(),
                                                              .k = weight.cols(),
                                                              .fits = fits.data<int32_t>()});
}

void look_up(Context& ctx, const Tensor& y, const QuantizedWeight& table, const int32_t* tokens, double multiplier) {
  ctx.launch(y.dtype(), [&]<class T>(auto& stream) {
    if constexpr (kIsSupported<T>)
      kernels::quantized_rows(stream, kernels::QuantizedRows<T>{.y = y.data<T>(),
                                                                .w = quantized_matrix(table),
                                                                .tokens = tokens,
                                                                .rows = y.rows(),
                                                                .multiplier = multiplier});
  });
}

}  // namespace

int64_t quantized_quads_bytes(QuantizedKind kind, Shape weight) {
  return kernels::quantized_quads_bytes(kind, weight.rows, weight.cols);
}
int64_t quantized_scales_bytes(Shape weight) { return kernels::quantized_scales_bytes(weight.rows, weight.cols); }

QuantizedWeight quantized_view(QuantizedKind kind, Shape weight, Tensor quads, Tensor scales, std::string_view where,
                               Tensor offsets) {
  const auto expect = [&](const char* what, const Tensor& t, int64_t bytes) {
    if (t.bytes() == static_cast<size_t>(bytes)) return;
    throw Failure(ErrorCode::kDataLoss, fmt::format("{}: {} are {} bytes, expected {} for a weight [{}, {}]", where,
                                                    what, t.bytes(), bytes, weight.rows, weight.cols));
  };
  expect("quads", quads, quantized_quads_bytes(kind, weight));
  expect("scales", scales, quantized_scales_bytes(weight));
  if (offsets) expect("offsets", offsets, quantized_scales_bytes(weight));
  return {kind, weight, std::move(quads), std::move(scales), std::move(offsets)};
}

QuantizedWeight quantized_blocks(QuantizedKind kind, Shape weight, Tensor blocks) {
  CHECK(weight.cols % kernels::kQuantizedGroup == 0);
  CHECK(blocks.bytes() == static_cast<size_t>(kernels::quantized_blocks_bytes(kind, weight.rows, weight.cols)));
  return {kind, weight, std::move(blocks), {}, {}, QuantizedLayout::kBlocks};
}

QuantizedWeight pack_quantized(const HostStream& host, QuantizedKind kind, Shape weight, bool has_offsets,
                               const PackSource& read) {
  const auto bytes = [](int64_t count) { return host_tensor({1, count}, Dtype::kU8); };
  const QuantizedWeight to = blank(kind, weight, has_offsets, bytes);
  std::vector<PackBuffers> buffers(static_cast<size_t>(host.pool->size()), PackBuffers(weight, has_offsets));
  host.pool->parallel_for(kernels::quantized_panels(weight.rows), [&](int64_t panel, int worker) {
    pack_panel(host, to, panel, buffers[static_cast<size_t>(worker)], read);
  });
  return to;
}

QuantizedWeight quantize(Device& device, const Tensor& weight, QuantizedKind kind) {
  if (weight.dtype() != Dtype::kF32 && weight.dtype() != Dtype::kBf16)
    refuse("quantize", fmt::format("the weight is {}, expected f32 or bf16", name_of(weight.dtype())));
  const auto bytes = [&](int64_t count) { return device.tensor({1, count}, Dtype::kU8); };
  const QuantizedWeight to = blank(kind, weight.shape(), false, bytes);
  const Tensor fits = device.tensor({1, 1}, Dtype::kI32);
  device.launch([&](auto& s) {
    if (weight.dtype() == Dtype::kF32)
      run_quantize<float>(s, to, weight, fits);
    else
      run_quantize<bfloat16>(s, to, weight, fits);
  });
  if (*to_host(fits).data<int32_t>() == 1) return to;
  throw Failure(ErrorCode::kInvalidArgument,
                fmt::format("[quantize] a weight [{}, {}] holds numbers that are not finite or beyond 393,024",
                            weight.rows(), weight.cols()));
}

Tensor dequantize(Context& ctx, const QuantizedWeight& w, Dtype dtype) {
  Tensor y = ctx.empty(w.shape, dtype);
  look_up(ctx, y, w, nullptr, 1);
  return y;
}

namespace {

Tensor linear_of_dequantized(Context& ctx, const Tensor& x, const QuantizedWeight& w, const Tensor& bias) {
  Context quiet = ctx;
  quiet.tape = nullptr;
  Tensor y = linear(quiet, x, dequantize(ctx, w, x.dtype()), bias);
  if (ctx.recording(x, bias))
    ctx.tape->record(y, [w, bias, x = without_values(x)](Context& c, const Tensor& dy) {
      linear_backward(c, x, dequantize(c, w, x.dtype()), bias, dy);
    });
  return y;
}

}  // namespace

Tensor quantized_linear(Context& ctx, const Tensor& x, const QuantizedWeight& w, const Tensor& bias) {
  check("quantized_linear", x, w);
  check_bias(x, w, bias);
  if (ctx.tape != nullptr) return linear_of_dequantized(ctx, x, w, bias);
  Tensor y = ctx.empty({x.rows(), w.shape.rows}, x.dtype());
  const Tensor scratch = ctx.scratch(quantized_scratch_bytes(ctx, x));
  ctx.launch(x.dtype(), [&]<class T>(auto& s) {
    if constexpr (kIsSupported<T>) multiply<T, T>(s, y, x, w, bias, 1, scratch);
  });
  return y;
}

Tensor quantized_project(Context& ctx, const Tensor& x, const QuantizedWeight& w, double scale, double softcap) {
  if (ctx.tape != nullptr) refuse("quantized_project", "logits of quantized weights have no gradient");
  check("quantized_project", x, w);
  Tensor y = ctx.empty({x.rows(), w.shape.rows}, accumulator_of(x.dtype()));
  const Tensor scratch = ctx.scratch(quantized_scratch_bytes(ctx, x));
  ctx.launch(x.dtype(), [&]<class T>(auto& s) {
    if constexpr (kIsSupported<T>) {
      using A = kernels::Accumulator<T>;
      multiply<T, A>(s, y, x, w, {}, softcap != 0 ? 1 : scale, scratch);
      if (softcap != 0)
        kernels::soft_cap(s,
                          kernels::SoftCap<A>{.y = y.data<A>(), .count = y.size(), .scale = scale, .softcap = softcap});
    }
  });
  return y;
}

Tensor quantized_embedding(Context& ctx, const Tensor& tokens, const QuantizedWeight& table, Dtype dtype,
                           double multiplier) {
  if (dtype == Dtype::kC128) refuse("quantized_embedding", "activations are c128, expected bf16, f32 or f64");
  Tensor y = ctx.empty({tokens.rows(), table.shape.cols}, dtype);
  look_up(ctx, y, table, tokens.data<int32_t>(), multiplier);
  return y;
}

}  // namespace maru
