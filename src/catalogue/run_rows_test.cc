#include "catalogue/run_rows.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/json.h"

namespace maru::catalogue {
namespace {

class RunRows : public ::testing::Test {
 protected:
  const fs::path root_ = fs::temp_directory_path() / ("maru-run-rows-" + std::to_string(::getpid()));
  const fs::path file_ = root_ / "metrics.jsonl";

  void SetUp() override { fs::create_directories(root_); }
  void TearDown() override { fs::remove_all(root_); }
  static std::string rows(int first, int last, double seconds = 0.5) {
    std::string text;
    for (int step = first; step <= last; ++step)
      text += Json{{"step", step}, {"loss", 9.0 - step * 1e-6}, {"seconds", seconds * step}}.dump() + "\n";
    return text;
  }
  RowsPart read(const RowsPosition& from = {}, int64_t points = 0) const { return read_rows(file_, from, points); }
  static std::vector<int> steps(const RowsPart& part) {
    std::vector<int> steps;
    for (const Json& row : part.rows) steps.push_back(row["step"].get<int>());
    return steps;
  }
};

TEST_F(RunRows, OnlyWhatIsNewIsRead) {
  write_file(file_, "damaged\n" + rows(1, 3) + "{\"step\":4,");
  const RowsPart first = read();
  EXPECT_EQ((std::vector{1, 2, 3}), steps(first));
  EXPECT_EQ(1, first.damaged);
  EXPECT_FALSE(first.more || first.restarted);
  EXPECT_TRUE(read(first.position).rows.empty()) << "a torn line waits for its end";
  write_file(file_, "damaged\n" + rows(1, 5));
  const RowsPart second = read(first.position);
  EXPECT_EQ((std::vector{4, 5}), steps(second));
  EXPECT_EQ(0, second.damaged) << "what lies before the position is not read again";
  EXPECT_EQ(second.position.text(), RowsPosition::parse(second.position.text()).value().text());
}

TEST_F(RunRows, AFileWrittenAnewIsReadFromItsBeginning) {
  write_file(file_, rows(1, 9));
  const RowsPosition position = read().position;
  for (const std::string& now : {rows(1, 4), rows(1, 4) + rows(5, 9, 0.7), rows(1, 4) + rows(5, 30, 0.7),
                                 std::string(position.offset, 'x'), std::string(500, '\n'), std::string()}) {
    write_file(file_, now);
    const RowsPart part = read(position);
    EXPECT_TRUE(part.restarted);
    EXPECT_EQ(steps(read()), steps(part));
    EXPECT_FALSE(read(part.position).restarted);
  }
  EXPECT_THROW(read_rows(root_ / "none", {}, 0), Failure);
}

TEST_F(RunRows, APositionIsOneThatWasGiven) {
  EXPECT_EQ(0u, RowsPosition::parse("0").value().offset);
  for (const char* text : {"", "-", "-1", "7", "x", "7-", "7-xyz", "0-1", "7-1-1", " 7-1", "99999999999999999999-1"})
    EXPECT_FALSE(RowsPosition::parse(text).ok()) << text;
  write_file(file_, rows(1, 2));
  EXPECT_TRUE(read(RowsPosition::parse("999999999-0123456789abcdef").value()).restarted);
}

TEST_F(RunRows, ALongFileComesInParts) {
  const std::string text = rows(1, 150'000);
  write_file(file_, text);
  RowsPart part = read();
  size_t parts = 1, seen = part.rows.size();
  for (; part.more; ++parts) {
    part = read(part.position);
    EXPECT_EQ(seen + 1, part.rows.front()["step"]);
    seen += part.rows.size();
  }
  EXPECT_EQ(150'000u, seen);
  EXPECT_GT(parts, 1u);
  EXPECT_LE(parts, 1 + text.size() / (3 << 20));
  write_file(file_, std::string(9 << 20, ' ') + "\n" + rows(1, 1));
  EXPECT_EQ(1, read().damaged) << "a line longer than a part is passed whole";
  EXPECT_EQ((std::vector{1}), steps(read(read().position)));
}

TEST_F(RunRows, ThinnedRowsKeepEveryExtremeAndTheLast) {
  std::string text = rows(1, 40'000) + "{\"step\":40000,\"loss\":99,\"gradient_norm\":1}\n" + rows(40'001, 70'000) +
                     "{\"step\":70000,\"validation_loss\":4}\n{\"step\":70000,\"loss\":-1,\"gradient_norm\":7}\n" +
                     rows(70'001, 100'000);
  write_file(file_, text);
  std::vector<Json> all;
  RowsPart part{.more = true};
  while (part.more) {
    part = read(part.position, 900);
    all.insert(all.end(), part.rows.begin(), part.rows.end());
  }
  EXPECT_LT(all.size(), 1000u);
  EXPECT_GT(all.size(), 150u);
  EXPECT_TRUE(
      std::is_sorted(all.begin(), all.end(), [](const Json& x, const Json& y) { return x["step"] < y["step"]; }));
  EXPECT_EQ(100'000, all.back()["step"]);
  for (const Json& extreme :
       {Json{{"step", 40000}, {"loss", 99}, {"gradient_norm", 1}}, Json{{"step", 70000}, {"validation_loss", 4}},
        Json{{"step", 70000}, {"loss", -1}, {"gradient_norm", 7}}})
    EXPECT_NE(all.end(), std::find(all.begin(), all.end(), extreme)) << extreme;
  write_file(file_, text + rows(100'001, 100'100));
  EXPECT_EQ(100u, read(part.position, 900).rows.size()) << "what is new is not thinned";
}

TEST_F(RunRows, TheNewestValuesStandInTheLastRows) {
  write_file(file_, "{\"step\":1,\"bits\":3}\n" + std::string(100 << 10, 'x') + "\n{\"bits\":2}\n[]\n{\"st\n" +
                        rows(2, 3) + "{\"step\":4}");
  EXPECT_EQ((Json{{"step", 3}, {"bits", 2}}), newest_values(file_, {"step", "bits", "none"}));
  EXPECT_EQ(Json::object(), newest_values(root_ / "none", {"step"}));
}

}  // namespace
}  // namespace maru::catalogue
