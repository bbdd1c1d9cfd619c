// Where conversions are tested and timed.
#include <fmt/format.h>

#include "kernels/convert/convert.h"
#include "kernels/testing.h"

namespace maru::kernels {
namespace {

// To bfloat16 and back, a copy, and zeros over the copy's second half.
struct Problem {
  int64_t count;
  std::vector<float> x, back, copy;
  std::vector<bfloat16> narrow, constant;

  explicit Problem(int64_t n) : count(n) {
    Inputs in(kCaseSeed, Inputs::Round::kF32, Inputs::Gradients::kDirty);
    x = in.normal<float>(n);
    back = copy = in.blank<float>(n);
    narrow = in.blank<bfloat16>(n);
    constant = in.blank<bfloat16>(n);
  }

  void run(auto& stream) {
    convert<bfloat16, float>(stream, {.y = narrow.data(), .x = x.data(), .count = count});
    convert<float, bfloat16>(stream, {.y = back.data(), .x = narrow.data(), .count = count});
    copy_bytes(stream, copy.data(), x.data(), count * 4);
    zero_bytes(stream, copy.data() + count / 2, (count - count / 2) * 4);
    fill<bfloat16>(stream, {.y = constant.data(), .count = count, .value = 0.1});
  }

  // Rounding is defined bit by bit.
  OpOutcome outcome() const {
    Problem expected(count);
    for (size_t i = 0; i < x.size(); ++i) {
      expected.narrow[i] = to_bfloat16(x[i]);
      expected.back[i] = to_float(expected.narrow[i]);
      expected.copy[i] = i < x.size() / 2 ? x[i] : 0;
    }
    Comparison comparison;
    comparison.add_exact("narrow", narrow, expected.narrow);
    comparison.add_exact("back", back, expected.back);
    comparison.add_exact("copy", copy, expected.copy);
    comparison.add_exact("constant", constant, std::vector<bfloat16>(x.size(), to_bfloat16(0.1f)));
    return comparison.outcome();
  }
};

OpCase convert_case(int64_t count) {
  return {.op = "convert",
          .type = "f32",
          .shape = fmt::format("{} to bf16 and back, copy, zeros, a constant", count),
          .bytes = 26.0 * static_cast<double>(count),
          .run = {}};
}

}  // namespace

void convert_cases(std::vector<OpCase>& cases) {
  for (int64_t count : {1, 31, 16384, 150001}) {
    cases.push_back(convert_case(count));
    cases.back().run = [count](OpStream on) {
      Problem problem(count);
      std::visit([&](auto* stream) { problem.run(*stream); }, on);
      return problem.outcome();
    };
  }
  cases.push_back(convert_case(8192 * 512));
  cases.back().benchmark = [] {
    auto problem = std::make_shared<Problem>(8192 * 512);
    return [problem](OpStream on) { std::visit([&](auto* stream) { problem->run(*stream); }, on); };
  };
}

}  // namespace maru::kernels
