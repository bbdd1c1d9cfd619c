#include "nn/batch.h"

#include <gtest/gtest.h>

#include <array>

#include "tensor/cpu_device.h"

namespace maru {
namespace {

ThreadPool pool(1);
CpuDevice device(&pool);
Arena arena(device, 1 << 16);

TEST(BatchBuilder, PacksSequencesWithTheirPositions) {
  BatchBuilder builder;
  builder.add(std::array<int32_t, 3>{7, 8, 9});
  builder.add(std::array<int32_t, 1>{5}, 64, {3, 1});
  builder.add({});
  Context ctx{device, arena};
  const Batch batch = builder.batch(ctx);
  ASSERT_EQ(4, batch.tokens.rows());
  ASSERT_EQ(2u, batch.sequences.size());
  EXPECT_EQ(5, batch.tokens.data<int32_t>()[3]);
  EXPECT_EQ(2, batch.positions.data<int32_t>()[2]);
  EXPECT_EQ(64, batch.positions.data<int32_t>()[3]);
  EXPECT_EQ(3, batch.sequences[1].first_row);
}

TEST(Batch, SpansPointAtThePagesOfTheLayer) {
  KvCache cache(device, {.layers = 2, .kv_heads = 1, .head_dim = 4, .dtype = Dtype::kF32}, 4);
  BatchBuilder builder;
  builder.add(std::array<int32_t, 1>{5}, 64, {3, 1});
  Context ctx{device, arena};
  const std::vector<KeySpan> spans = builder.batch(ctx, &cache).key_spans(1);
  ASSERT_EQ(2u, spans[0].pages.size());
  EXPECT_EQ(cache.page(1, 3), spans[0].pages[0]);
  EXPECT_EQ(cache.page(1, 1), spans[0].pages[1]);
  EXPECT_TRUE(builder.batch(ctx).key_spans(1)[0].pages.empty());
}

TEST(KvCache, PagesDoNotOverlap) {
  const KvCacheShape shape{.layers = 2, .kv_heads = 3, .head_dim = 4, .dtype = Dtype::kBf16};
  KvCache cache(device, shape, 3);
  EXPECT_EQ(2u * 2 * 64 * 3 * 4 * 2, shape.page_bytes());
  EXPECT_EQ(static_cast<ptrdiff_t>(shape.page_bytes() / 2), cache.page(1, 0) - cache.page(0, 0));
  EXPECT_EQ(static_cast<ptrdiff_t>(shape.page_bytes()), cache.page(0, 1) - cache.page(0, 0));
}

}  // namespace
}  // namespace maru
