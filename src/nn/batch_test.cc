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

TEST(Batch, NamesThePagesThatItsTokensFill) {
  KvCache cache(device, {.layers = 2, .kv_heads = 1, .head_dim = 4, .dtype = Dtype::kF32}, 4);
  BatchBuilder builder;
  builder.add(std::array<int32_t, 1>{5}, 64, {3, 1, 2});
  builder.add(std::array<int32_t, 2>{5, 6}, 62, {0, 2});
  Context ctx{device, arena};
  const Batch batch = builder.batch(ctx, &cache);
  const auto* ids = batch.key_spans.pages.data<int32_t>();
  EXPECT_EQ((std::vector<int32_t>{3, 1, 0}), std::vector(ids, ids + batch.key_spans.pages.rows()))
      << "not those for tokens to come";
  const auto* table = batch.key_spans.table.data<kernels::AttentionSpan>();
  EXPECT_EQ(0, table[0].first_page);
  EXPECT_EQ(2, table[1].first_page);
  EXPECT_EQ(1, table[1].first_row);
  const KeyPages pages = batch.key_pages(1);
  EXPECT_EQ(cache.layer(1), pages.base);
  EXPECT_EQ(static_cast<int64_t>(cache.shape().page_bytes()), pages.stride_bytes);
  const Batch plain = builder.batch(ctx);
  EXPECT_FALSE(plain.key_spans.pages);
  EXPECT_EQ(nullptr, plain.key_pages(1).base);
}

TEST(KvCache, LayersShareAPage) {
  const KvCacheShape shape{.layers = 2, .kv_heads = 3, .head_dim = 4, .dtype = Dtype::kBf16};
  KvCache cache(device, shape, 3);
  EXPECT_EQ(2u * 2 * 64 * 3 * 4 * 2, shape.page_bytes());
  EXPECT_EQ(static_cast<ptrdiff_t>(shape.page_bytes() / 2), cache.layer(1) - cache.layer(0));
}

}  // namespace
}  // namespace maru
