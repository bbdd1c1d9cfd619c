// Every op in the list of the library that this is linked with: each instruction set against the f64 reference, the
// same bits for every thread count, gradients against complex step, rows that do not depend on each other.
#include <gtest/gtest.h>

#include <array>
#include <cctype>
#include <cstdio>
#include <memory>
#include <set>

#include "kernels/op_case.h"

namespace maru::kernels {

void PrintTo(const OpCase& c, std::ostream* out) { *out << c.op << " " << c.type << " " << c.shape; }

namespace {

class Reference : public ::testing::TestWithParam<OpCase> {};
class Gradient : public ::testing::TestWithParam<OpCase> {};
class Rows : public ::testing::TestWithParam<OpCase> {};

TEST_P(Reference, IsMatchedOnEveryIsaWithTheSameBitsForAnyThreadCount) {
  for (Isa isa : supported_isas()) {
    std::set<uint64_t> bits;
    for (int threads : {1, 2, 3}) {
      ThreadPool pool(threads);
      CpuStream stream{&pool, isa};
      const OpOutcome outcome = GetParam().run(&stream);
      EXPECT_LE(outcome.error, 1) << name_of(isa) << ", " << threads << " threads: " << outcome.detail;
      bits.insert(outcome.bits);
    }
    EXPECT_EQ(bits.size(), 1u) << name_of(isa) << ": the result depends on the thread count";
  }
}

TEST_P(Reference, RunsOnAnotherStreamType) {
  ThreadPool pool(2);
  CpuStream cpu{&pool};
  CountingStream counting(cpu);
  EXPECT_EQ(GetParam().run(&cpu).bits, GetParam().run(&counting).bits);
  EXPECT_GT(counting.calls(), 0);
  EXPECT_TRUE(!GetParam().rows_alone || GetParam().rows_alone(&counting));
}

TEST_P(Gradient, MatchesComplexStep) { EXPECT_LE(GetParam().gradient(), 1e-9); }

TEST_P(Rows, AreTheSameAlone) {
  for (Isa isa : supported_isas()) {
    ThreadPool pool(2);
    CpuStream stream{&pool, isa};
    EXPECT_TRUE(GetParam().rows_alone(&stream)) << name_of(isa);
  }
}

template <class Member>
auto cases_with(Member member) {
  std::vector<OpCase> cases = all_op_cases();
  std::erase_if(cases, [&](const OpCase& c) { return !(c.*member); });
  return ::testing::ValuesIn(cases);
}

std::string test_name(const ::testing::TestParamInfo<OpCase>& info) {
  std::string name = info.param.op + "_" + info.param.type + "_" + info.param.shape;
  for (char& c : name)
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  return name + "_" + std::to_string(info.index);
}

INSTANTIATE_TEST_SUITE_P(Ops, Reference, cases_with(&OpCase::run), test_name);
INSTANTIATE_TEST_SUITE_P(Ops, Gradient, cases_with(&OpCase::gradient), test_name);
INSTANTIATE_TEST_SUITE_P(Ops, Rows, cases_with(&OpCase::rows_alone), test_name);

// Weak functions of one instruction set could replace another's when linked: a crash on older machines.
TEST(Objects, ShareNoSymbols) {
  const std::string command = "nm -A --defined-only @" MARU_KERNEL_OBJECTS;
  std::unique_ptr<FILE, int (*)(FILE*)> nm(popen(command.c_str(), "r"), pclose);
  ASSERT_NE(nm, nullptr);
  int kernels = 0;
  std::array<char, 65536> line;
  while (std::fgets(line.data(), line.size(), nm.get()) != nullptr) {
    const std::string text(line.data());
    EXPECT_EQ(text.find(" W "), std::string::npos) << "a weak function: " << text;
    kernels += text.find(" T ") != std::string::npos;
  }
  std::set<std::string> ops;
  for (const OpCase& c : all_op_cases()) ops.insert(c.op);
  EXPECT_GE(kernels, static_cast<int>(ops.size())) << command;
}

}  // namespace
}  // namespace maru::kernels
