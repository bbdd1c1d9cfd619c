#include "api/console/home_routes.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "http/auth.h"
#include "http/test_request.h"

namespace maru::api::console {
namespace {

class HomeRoutes : public ::testing::Test {
 protected:
  const fs::path home_ = fs::temp_directory_path() / ("maru-home-routes-" + std::to_string(::getpid()));
  http::Router router_{std::make_unique<http::ApiKeys>(std::vector<std::string>{})};

  void SetUp() override {
    fs::remove_all(home_);
    add_home_routes(router_, home_);
  }
  void TearDown() override { fs::remove_all(home_); }
  void write(const fs::path& file, std::string_view text) {
    fs::create_directories((home_ / file).parent_path());
    write_file(home_ / file, text);
  }
  int status(std::string_view target) const { return http::get(router_, target).status; }
  Json json(std::string_view target) const { return http::json_of(http::get(router_, target)); }
};

TEST_F(HomeRoutes, ARunIsAsFarAsItsLastRows) {
  write("runs/first/plan.json", R"({"step":0,"steps":3})");
  write("runs/first/metrics.jsonl",
        "{\"step\":1,\"loss\":9.5}\n{\"step\":2,\"loss\":8.5}\n{\"step\":2,\"validation_bits_per_byte\":2.5}\n{\"st");
  EXPECT_EQ((Json{{"id", "first"},
                  {"state", "running"},
                  {"step", 2},
                  {"steps", 3},
                  {"loss", 8.5},
                  {"validation_bits_per_byte", 2.5},
                  {"model", nullptr}}),
            json("/v1/maru/runs")["data"][0]);
  const Json rows = json("/v1/maru/runs/first/metrics?after=1");
  EXPECT_EQ(2u, rows["rows"].size());
  EXPECT_EQ(3, rows["next"]);
  EXPECT_EQ(400, status("/v1/maru/runs/first/metrics?after=x"));
  EXPECT_EQ(404, status("/v1/maru/runs/none/metrics"));
}

TEST_F(HomeRoutes, WhoGivesThePositionGetsWhatIsNew) {
  const std::string target = "/v1/maru/runs/first/metrics?position=";
  write("runs/first/metrics.jsonl", "{\"step\":1,\"loss\":9.5}\n{\"step\":2}\n{\"st");
  const Json first = json(target + "0");
  EXPECT_EQ(2u, first["rows"].size());
  EXPECT_EQ(Json(false), first["restarted"]);
  const std::string position = first["position"];
  write("runs/first/metrics.jsonl", "{\"step\":1,\"loss\":9.5}\n{\"step\":2}\n{\"step\":3}\n");
  EXPECT_EQ(Json::parse(R"([{"step":3}])"), json(target + position + "&points=10")["rows"]);
  write("runs/first/metrics.jsonl", "{\"step\":1,\"loss\":9.4}\n");
  const Json anew = json(target + position);
  EXPECT_EQ(Json(true), anew["restarted"]);
  EXPECT_EQ(1u, anew["rows"].size());
  for (const char* bad : {"-1", "5", "x", "5-", "0&points=-1", "0&points=x"})
    EXPECT_EQ(400, status(target + bad)) << bad;
  EXPECT_EQ(200, status(target + "99999-1"));
  EXPECT_EQ(404, status("/v1/maru/runs/none/metrics?position=0"));
}

TEST_F(HomeRoutes, ARunEndsWithItsLastStepOrInSilence) {
  for (const char* name : {"done", "silent"}) write(fs::path("runs") / name / "plan.json", R"({"step":0,"steps":2})");
  write("runs/done/metrics.jsonl", "{\"step\":2}\n");
  write("models/done/manifest.json", "{}");
  fs::last_write_time(home_ / "runs/silent/plan.json", fs::file_time_type::clock::now() - std::chrono::hours(1));
  const Json runs = json("/v1/maru/runs")["data"];
  EXPECT_EQ("finished", runs[0]["state"]);
  EXPECT_EQ("done", runs[0]["model"]);
  EXPECT_EQ("stopped", runs[1]["state"]);
}

TEST_F(HomeRoutes, DatasetsAndModelsAreListedWithTheirFacts) {
  write("datasets/docs/report.json", R"({"documents_out":7,"bytes_out":99,"steps":[]})");
  write("models/first/evaluation/evaluation.json", R"({"tasks":[]})");
  fs::create_directories(home_ / "models/no-artefact");
  write("models/second/manifest.json", R"({"notes":{"parameters":5,"chat":false,"loss":1}})");
  write("models/second/config.json", R"({"max_position_embeddings":64,"torch_dtype":"bfloat16"})");
  const Json facts{{"parameters", 5}, {"chat", false}, {"context_length", 64}, {"dtype", "bf16"}};
  EXPECT_EQ(Json::array({{{"id", "second"}, {"facts", facts}}}), json("/v1/maru/models")["data"]) << "artefacts only";
  const Json docs{{"id", "docs"}, {"documents_out", 7}, {"bytes_out", 99}};
  EXPECT_EQ(Json::array({docs}), json("/v1/maru/datasets")["data"]);
  EXPECT_TRUE(json("/v1/maru/datasets/docs/report").contains("steps"));
  EXPECT_TRUE(json("/v1/maru/models/first/evaluation").contains("tasks"));
  EXPECT_TRUE(json("/v1/maru/models/second/manifest").contains("notes"));
  EXPECT_EQ(404, status("/v1/maru/models/first/manifest"));
}

TEST_F(HomeRoutes, OneDamagedFileHidesNoOther) {
  fs::create_directories(home_ / "runs/a.tmp-1/checkpoints");
  for (const char* name : {"a", "b"}) {
    const bool damaged = name == std::string_view("a");
    write(fs::path("runs") / name / "plan.json", damaged ? "" : R"({"step":0,"steps":3})");
    write(fs::path("runs") / name / "metrics.jsonl", "{\"step\":1,\"loss\":9.5}\n{\"st\n\n{\"step\":3}\n");
    write(fs::path("datasets") / name / "report.json", damaged ? "{" : R"({"documents_out":7})");
  }
  const Json runs = json("/v1/maru/runs")["data"];
  ASSERT_EQ(2u, runs.size()) << "and what is still being written is none";
  EXPECT_EQ(0, runs[0]["steps"]);
  EXPECT_EQ(3, runs[1]["steps"]);
  EXPECT_EQ(1u, json("/v1/maru/datasets")["data"].size());
  const Json rows = json("/v1/maru/runs/a/metrics");
  EXPECT_EQ(2u, rows["rows"].size());
  EXPECT_EQ(2, rows["damaged"]);
  EXPECT_EQ(4, rows["next"]);
}

TEST_F(HomeRoutes, NoNameLeadsOutOfTheHome) {
  write("evaluation/evaluation.json", "{}");  // what ".." would reach
  for (const char* target : {"/v1/maru/models/../evaluation", "/v1/maru/models/%2e%2e/evaluation",
                             "/v1/maru/datasets/.hidden/report", "/v1/maru/models/a%5c..%5cb/evaluation"})
    EXPECT_EQ(400, status(target)) << target;
}

}  // namespace
}  // namespace maru::api::console
