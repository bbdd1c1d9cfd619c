#include "train/metrics.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>

namespace maru::train {
namespace {

TEST(MetricsWriter, WritesALinePerRowWithRoundedRates) {
  const fs::path file = fs::temp_directory_path() / ("maru-metrics-" + std::to_string(::getpid()));
  fs::remove(file);
  {
    MetricsWriter writer(file, 0, {});
    writer.write(TrainingRow{.step = 1,
                             .tokens = 512,
                             .loss = 9.25,
                             .lr = 0.001,
                             .gradient_norm = 1.5,
                             .tokens_per_second = 1234.5678,
                             .mfu = 0.123456,
                             .seconds = 0.98765,
                             .figures = {{"margin", 0.25}, {"kl", std::nan("")}}});
    writer.write(ValidationRow{.step = 1, .tokens = 512, .figures = {{"loss", 8}, {"bits_per_byte", 2.5}}});
  }
  EXPECT_EQ(
      "{\"step\":1,\"tokens\":512,\"loss\":9.25,\"lr\":0.001,\"gradient_norm\":1.5,\"tokens_per_second\":1234.6,"
      "\"mfu\":0.1235,\"seconds\":0.988,\"margin\":0.25}\n"
      "{\"step\":1,\"tokens\":512,\"validation_bits_per_byte\":2.5,\"validation_loss\":8.0}\n",
      read_file(file));
  const MetricsWriter again(file, 1, {});
  EXPECT_EQ(9.25, again.loss());
  EXPECT_EQ((Figures{{"loss", 8}, {"bits_per_byte", 2.5}}), again.validation());
  fs::remove(file);
}

}  // namespace
}  // namespace maru::train
