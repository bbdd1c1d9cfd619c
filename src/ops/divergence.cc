#include "ops/divergence.h"

#include <fmt/format.h>

#include <algorithm>

#include "kernels/divergence/divergence.h"
#include "ops/elementwise.h"
#include "ops/linear.h"

namespace maru {
namespace {

constexpr int64_t kLogitsAtOnce = 16 << 20;

void check(const Tensor& x, const Tensor& weight, const Tensor& targets, const DivergenceOptions& options) {
  const Shape rows{x.rows(), 1};
  if (x.cols() != weight.cols() || targets.shape() != rows || targets.dtype() != Dtype::kI32)
    throw Failure(ErrorCode::kInvalidArgument,
                  fmt::format("[linear_divergence] x [{}, {}], weight [{}, {}] and {} targets do not fit together",
                              x.rows(), x.cols(), weight.rows(), weight.cols(), targets.rows()));
  for (const Tensor* t : {&options.weights, &options.token_losses})
    if (*t && (t->shape() != rows || t->dtype() != accumulator_of(x.dtype())))
      throw Failure(
          ErrorCode::kInvalidArgument,
          fmt::format("[linear_divergence] weights or losses of rows: [{}, {}] {}, expected [{}, 1] {}", t->rows(),
                      t->cols(), name_of(t->dtype()), x.rows(), name_of(accumulator_of(x.dtype()))));
}

void check_teacher(const Tensor& teacher, const Tensor& student) {
  if (teacher.rows() == student.rows() && teacher.dtype() == student.dtype()) return;
  throw Failure(
      ErrorCode::kInvalidArgument,
      fmt::format("[linear_divergence] the teacher's logits are [{}, {}] {}, expected {} rows of {}", teacher.rows(),
                  teacher.cols(), name_of(teacher.dtype()), student.rows(), name_of(student.dtype())));
}

/// Of some rows.
struct Chunk {
  Tensor loss, token_losses, student, teacher, targets, weights;
};

// Adds to the loss; the student's logits become their gradients.
void diverge(Context& ctx, const Chunk& chunk, const DivergenceOptions& options, bool gradients) {
  check_teacher(chunk.teacher, chunk.student);
  ctx.launch(chunk.student.dtype(), [&]<class T>(auto& s) {
    if constexpr (std::is_same_v<T, kernels::Accumulator<T>>)
      kernels::divergence(s, kernels::Divergence<T>{.loss = chunk.loss.data<T>(),
                                                    .token_loss = chunk.token_losses.data<T>(),
                                                    .student = chunk.student.data<T>(),
                                                    .teacher = chunk.teacher.data<T>(),
                                                    .targets = chunk.targets.data<int32_t>(),
                                                    .rows = chunk.student.rows(),
                                                    .student_vocab = chunk.student.cols(),
                                                    .teacher_vocab = chunk.teacher.cols(),
                                                    .beta = options.beta,
                                                    .temperature = options.temperature,
                                                    .next_token = options.next_token,
                                                    .scale = options.scale,
                                                    .gradients = gradients,
                                                    .softcap = options.softcap,
                                                    .row_weights = chunk.weights.data<T>()});
  });
}

}  // namespace

Tensor linear_divergence(Context& ctx, const Tensor& x, const Tensor& weight, const Tensor& targets,
                         const LogitsOfRows& teacher, const DivergenceOptions& options) {
  check(x, weight, targets, options);
  const Dtype dtype = accumulator_of(x.dtype());
  const bool record = ctx.recording(x, weight);
  Tensor loss = fill(ctx, {1, 1}, dtype, 0);
  // Gradients are computed with the loss, for a gradient of 1: dx waits here until the tape asks for it.
  const Tensor dx = record && x.node >= 0 ? ctx.empty(x.shape(), x.dtype()) : Tensor();
  const Gradient dweight = record ? ctx.tape->gradient(ctx, weight) : Gradient();
  if (dweight && !dweight.add) zero(ctx, dweight.tensor);
  const Tensor losses = options.token_losses ? options.token_losses : ctx.empty({x.rows(), 1}, dtype);
  const int64_t rows = x.rows(), step = std::clamp<int64_t>(kLogitsAtOnce / weight.rows(), 64, 512);
  for (int64_t first = 0; first < rows; first += step) {
    const int64_t count = std::min(step, rows - first);
    const auto part = [&](const Tensor& t) { return t ? t.rows_from(first, count) : t; };
    Tape tape;  // of this chunk's matrix product alone
    Context with = ctx, quiet = ctx;
    with.tape = &tape, quiet.tape = nullptr;
    Tensor of_rows = part(x), head = weight;
    of_rows.node = head.node = -1;
    if (dx) of_rows = tape.leaf(of_rows, {part(dx), false});
    if (dweight) head = tape.leaf(head, {dweight.tensor, true});
    const Tensor logits = project(with, of_rows, head, options.logit_scale);
    if (options.softcap != 0) cap_logits(quiet, logits, options.softcap);
    diverge(quiet, {loss, part(losses), logits, teacher(quiet, first, count), part(targets), part(options.weights)},
            options, record);
    Tensor dlogits = logits;
    dlogits.node = -1;
    if (logits.node >= 0) tape.backward(with, logits, dlogits);
  }
  if (record)
    ctx.tape->record(loss, [dx, x = without_values(x)](Context& c, const Tensor&) {
      if (dx) c.tape->pass_gradient(c, x, dx);
    });
  return loss;
}

}  // namespace maru
