#include "platform/metering.h"

#include <gmock/gmock.h>
#include <sys/wait.h>

#include <atomic>
#include <csignal>
#include <thread>

#include "base/limit_failure.h"
#include "platform/test_tenants.h"
#include "platform/utc_time.h"
#include "platform/workspaces.h"

namespace maru::platform {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::system_clock;
using testing::HasSubstr;

class MeteringTest : public TenantsTest {
 protected:
  void SetUp() override {
    for (const char* name : {"a", "b"}) Workspaces(home_).create(name, "", "me");
    Workspaces(home_).create_project("a", "p", "", "me");
  }
  std::unique_ptr<Metering> start() {
    return std::make_unique<Metering>(
        home_, HomeDatabase::Warn(), [this] { return now_.load(); }, hours(1));
  }
  void limit(const std::string& workspace, const std::string& project, const Quota& quota) {
    Quotas(home_).set(workspace, project, quota, "me");
  }
  static Principal of(const std::string& workspace, const std::string& project = "") {
    return {.tenant = workspace, .key = "key " + workspace + "/k", .scopes = {"inference"}, .project = project};
  }
  static UsageRecord used(const std::string& workspace, int64_t input, int64_t output,
                          const std::string& project = "") {
    return {.workspace = workspace,
            .project = project,
            .key = "key " + workspace + "/k",
            .model = "m",
            .input_tokens = input,
            .output_tokens = output};
  }
  std::vector<UsageRecord> records(const UsageQuery& query = {}) {
    return home_.read([&](Connection& c) { return usage_records(c, query); });
  }
  /// Seconds to wait, of a refusal; 0: there is none.
  double refused(Metering& metering, const Principal& principal, int64_t tokens) {
    try {
      metering.reserve(principal, tokens);
      return 0;
    } catch (const LimitFailure& failure) {
      message_ = failure.what();
      return failure.retry_seconds();
    }
  }
  std::atomic<system_clock::time_point> now_{system_clock::time_point(parse_utc("2027-01-30T12:00:00Z").value())};
  std::string message_;
};

TEST_F(MeteringTest, RecordsAreWrittenBehindAndSummed) {
  const auto metering = start();
  metering->add(used("a", 10, 5, "p"));
  metering->add(used("b", 1, 2));
  EXPECT_TRUE(records().empty()) << "not by whoever adds them";
  metering->flush();
  metering->flush();
  now_ = now_.load() + hours(24);
  metering->add(used("a", 100, 50));
  metering->flush();
  ASSERT_EQ(3u, records().size());
  EXPECT_EQ(2u, records({.workspace = "a"}).size());
  EXPECT_EQ(1u, records({.workspace = "a", .from = "2027-01-31T00:00:00Z"}).size());
  EXPECT_EQ(1u, records({.workspace = "a", .to = "2027-01-31T00:00:00Z"}).size());
  const UsageRecord first = records({.limit = 1})[0];
  EXPECT_EQ(2u, records({.after = place_of(first)}).size());
  const auto days = home_.read([](Connection& c) { return usage_days(c, {.workspace = "a"}); });
  ASSERT_EQ(2u, days.size());
  EXPECT_EQ("2027-01-30", days[0].day);
  EXPECT_EQ("p", days[0].project);
  EXPECT_EQ(15, days[0].input_tokens + days[0].output_tokens);
  EXPECT_EQ(2, metering->totals().at("a").requests);
  EXPECT_EQ(110, metering->totals().at("a").input_tokens);
}

TEST_F(MeteringTest, ARecordIsNeitherChangedNorThereTwice) {
  UsageRecord record = used("a", 1, 1);
  record.id = "same", record.at = "2027-01-30T12:00:00Z";
  for (int i = 0; i < 2; ++i) home_.write([&](Connection& c) { append_usage(c, record); });
  EXPECT_EQ(1u, records().size());
  EXPECT_THROW(execute("UPDATE usage SET input_tokens = 0"), Failure);
  EXPECT_THROW(execute("DELETE FROM usage"), Failure);
}

TEST_F(MeteringTest, ADayAndAMonthHaveTheirEnd) {
  limit("a", "", {.tokens_per_day = 100, .tokens_per_month = 150});
  const auto metering = start();
  EXPECT_EQ(0, refused(*metering, of("a"), 100));
  metering->add(used("a", 40, 20));
  EXPECT_EQ(12 * 3600, refused(*metering, of("a"), 41));
  EXPECT_THAT(message_, HasSubstr("your workspace may use 100 tokens per day (tokens_per_day): 60 of them are used"));
  EXPECT_EQ(0, refused(*metering, of("a"), 40));
  EXPECT_EQ(0, refused(*metering, of("b"), 1'000'000)) << "another workspace";
  now_ = now_.load() + hours(24);  // the last day of January
  EXPECT_EQ(0, refused(*metering, of("a"), 90));
  EXPECT_EQ(12 * 3600, refused(*metering, of("a"), 91));
  EXPECT_THAT(message_, HasSubstr("tokens_per_month"));
  now_ = now_.load() + hours(24);
  EXPECT_EQ(0, refused(*metering, of("a"), 100));
  now_ = now_.load() - hours(48);
  EXPECT_GT(refused(*metering, of("a"), 41), 0) << "a clock that is put back forgets nothing";
}

TEST_F(MeteringTest, WhatIsReservedIsNobodyElses) {
  limit("a", "", {.tokens_per_day = 100});
  limit("a", "p", {.tokens_per_day = 30});
  const auto metering = start();
  auto held = metering->reserve(of("a"), 80);
  EXPECT_GT(refused(*metering, of("a"), 21), 0);
  EXPECT_EQ(0, refused(*metering, of("a", "p"), 20));
  held.reset();
  EXPECT_EQ(0, refused(*metering, of("a"), 100)) << "nothing of it was used";
  EXPECT_GT(refused(*metering, of("a", "p"), 31), 0);
  EXPECT_THAT(message_, HasSubstr("your project may use 30 tokens per day"));
  EXPECT_EQ(0, refused(*metering, of("a"), 100)) << "what a project was refused takes nothing from its workspace";
}

TEST_F(MeteringTest, QuotasSurviveARestartAndCountOtherServers) {
  limit("a", "", {.tokens_per_month = 100});
  {
    const auto before = start();
    before->add(used("a", 30, 10));
  }
  const auto one = start(), other = start();
  EXPECT_GT(refused(*one, of("a"), 61), 0);
  other->add(used("a", 20, 0));
  other->flush();
  for (Metering* each : {one.get(), other.get()}) {
    each->renew();
    each->renew();
    EXPECT_GT(refused(*each, of("a"), 41), 0);
    EXPECT_EQ(0, refused(*each, of("a"), 40)) << "each record counts once, whoever wrote it";
  }
  limit("a", "", {});
  one->renew();
  EXPECT_EQ(0, refused(*one, of("a"), 1000));
}

TEST_F(MeteringTest, CeilingsAreThoseOfWorkspaceAndProject) {
  limit("a", "", {.requests_per_minute = 5, .parallel_choices = 2});
  limit("a", "p", {.tokens_per_minute = 7});
  const auto metering = start();
  EXPECT_TRUE(metering->ceilings_of(of("b")).empty());
  const std::vector<Ceiling> all = metering->ceilings_of(of("a", "p"));
  ASSERT_EQ(2u, all.size());
  EXPECT_EQ("workspace a", all[0].who);
  EXPECT_EQ(2, all[0].limits.parallel_choices);
  EXPECT_EQ("project a/p", all[1].who);
  EXPECT_EQ(7, all[1].limits.tokens_per_minute);
}

TEST_F(MeteringTest, WithoutADatabaseItWaitsForOne) {
  const fs::path folder = root_ / "later";
  HomeDatabase home(folder);
  Metering metering(
      home, {}, [this] { return now_.load(); }, hours(1));
  EXPECT_FALSE(fs::exists(folder));
  metering.add(used("a", 5, 5));
  metering.flush();
  metering.add(used("a", 1, 1));
  Workspaces(home).create("a", "", "me");
  Quotas(home).set("a", "", {.tokens_per_day = 20}, "me");
  metering.renew();
  EXPECT_GT(refused(metering, of("a"), 9), 0);
  EXPECT_EQ(0, refused(metering, of("a"), 8));
  metering.flush();
  metering.renew();
  EXPECT_EQ(0, refused(metering, of("a"), 8)) << "and each counts once";
}

// Killed at any moment: no record twice, none half, and all that had been told to be written are there.
TEST_F(MeteringTest, KilledAtAnyMoment) {
  for (int round = 0; round < 5; ++round) {
    int written[2];
    ASSERT_EQ(::pipe(written), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      HomeDatabase own(root_ / "platform");
      Metering metering(
          own, {}, [this] { return now_.load(); }, hours(1));
      for (;;) {
        for (int i = 0; i < 10; ++i) metering.add(used("a", 1, 0, std::to_string(round)));
        metering.flush();
        if (::write(written[1], "x", 1) != 1) ::_exit(1);
      }
    }
    ::close(written[1]);
    std::this_thread::sleep_for(milliseconds(20 + 11 * round));
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    int64_t batches = 0;
    for (char c = 0; ::read(written[0], &c, 1) == 1;) ++batches;
    ::close(written[0]);
    const auto days = home_.read([](Connection& c) { return usage_days(c, {}); });
    int64_t found = 0;
    for (const UsageDay& day : days)
      if (day.project == std::to_string(round)) found = day.requests;
    EXPECT_TRUE(found == 10 * batches || found == 10 * (batches + 1)) << found << " of " << batches;
  }
}

}  // namespace
}  // namespace maru::platform
