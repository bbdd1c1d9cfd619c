#include "tensor/device.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/error.h"
#include "tensor/cpu_device.h"
#include "tensor/test_device.h"

namespace maru {
namespace {

class Devices : public ::testing::Test {
 protected:
  ThreadPool pool_{2};
  CpuDevice cpu_{&pool_};
  ProtectedDevice protected_{&pool_};
  std::vector<float> numbers_{1, 2, 3, 4, 5, 6};
  Tensor host_{nullptr, numbers_.data(), {3, 2}, Dtype::kF32};
};

std::vector<float> values_of(const Tensor& t) {
  const Tensor host = to_host(t);
  return {host.data<float>(), host.data<float>() + host.size()};
}

TEST_F(Devices, TheCpuWorksOnTheHostsMemory) {
  EXPECT_EQ(host_.data<float>(), cpu_.place(host_).data<float>());
  EXPECT_EQ(nullptr, cpu_.tag());
  const Tensor own = cpu_.tensor({3, 2}, Dtype::kF32);
  EXPECT_EQ(own.data<float>(), to_host(own).data<float>());
  EXPECT_EQ(std::vector<float>(6), values_of(own));
  cpu_.copy(own, host_);
  EXPECT_EQ(numbers_, values_of(own));
}

TEST_F(Devices, WhatCrossesIsTheSame) {
  const Tensor there = protected_.place(host_);
  EXPECT_EQ(&protected_, there.device());
  EXPECT_EQ(numbers_, values_of(there));
  EXPECT_EQ((std::vector<float>{3, 4}), values_of(there.rows_from(1, 1)));
  const Tensor other = protected_.tensor({3, 2}, Dtype::kF32);
  EXPECT_EQ(std::vector<float>(6), values_of(other));
  protected_.copy(other, there);
  EXPECT_EQ(numbers_, values_of(other));
  EXPECT_EQ(there.data<float>(), protected_.place(there).data<float>()) << "is there already";
  EXPECT_DEATH(cpu_.place(there), "device") << "not without the host between";
}

TEST_F(Devices, AnArenaLiesOnItsDevice) {
  Arena arena(protected_, 4096);
  const Tensor t(arena, {2, 2}, Dtype::kF32);
  EXPECT_EQ(&protected_, t.device());
  const std::vector<float> four{1, 2, 3, 4};
  upload(t, four.data());
  EXPECT_EQ(four, values_of(t));
  EXPECT_EQ(nullptr, Tensor(*std::make_unique<Arena>(cpu_, 64), {1, 1}, Dtype::kF32).device());
}

TEST_F(Devices, OnlyLaunchesTouchProtectedMemory) {
  const Tensor there = protected_.place(host_);
  float read = 0;
  protected_.launch([&](auto&) {
    read = there.data<float>()[1];
    protected_.launch([&](auto&) { there.data<float>()[0] = 7; });
    there.data<float>()[2] = 8;  // still open
  });
  EXPECT_EQ(2, read);
  EXPECT_EQ((std::vector<float>{7, 2, 8, 4, 5, 6}), values_of(there));
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(read = *there.data<volatile float>(), "");
  EXPECT_DEATH(*there.data<volatile float>() = 1, "");
}

TEST_F(Devices, SayWhenTheyAreFull) {
  EXPECT_THROW(protected_.reserve(size_t{1} << 40), Failure);
  EXPECT_THROW(cpu_.reserve(size_t{1} << 60), Failure);
}

}  // namespace
}  // namespace maru
