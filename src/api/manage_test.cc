// Adapters and models that come and go over HTTP.
#include <gmock/gmock.h>
#include <unistd.h>

#include "api/test_server.h"
#include "base/hash.h"
#include "serving/test_models.h"
#include "tensor/cpu_device.h"

namespace maru::api {
namespace {

using testing::HasSubstr;

class ManageTest : public ServeTest {
 protected:
  const fs::path root_ = fs::temp_directory_path() / ("maru_manage_" + std::to_string(::getpid()));
  const fs::path home_ = root_ / "home";
  ThreadPool pool_{2};
  CpuDevice device_{&pool_};

  void SetUp() override {
    serving::write_test_model(home_ / "models" / "m", 1);
    serving::write_test_model(home_ / "models" / "other", 2);
    serving::write_served_adapter(home_ / "adapters" / "law", 3);
    serving::write_served_adapter(root_ / "peft" / "first", 4);
    serving::write_served_adapter(root_ / "outside", 5);
    config_.adapters_dir = (root_ / "peft").string();
    config_.adapters_refresh_seconds = 0;
    config_.cache_mib = 1;
    context_.home = home_;
    context_.device = &device_;
    server_ = std::make_unique<ApiServer>(config_, context_, [this](serving::ModelHost& host) {
      host.load({home_ / "models" / "m", ""}, device_);
    });
  }
  void TearDown() override {
    server_.reset();
    fs::remove_all(root_);
  }
  std::vector<std::string> ids() {
    std::vector<std::string> ids;
    const Json list = get("/v1/models").json["data"];
    for (const Json& model : list) ids.push_back(model["id"]);
    return ids;
  }
  Got load(const Json& body) { return post("/v1/load_lora_adapter", body.dump()); }
  std::string say(const std::string& model) {
    const Got got =
        post("/v1/completions", Json{{"model", model}, {"prompt", "hello"}, {"seed", 1}, {"max_tokens", 12}}.dump());
    EXPECT_EQ(200, got.status) << got.body;
    return got.json["choices"][0]["text"];
  }
};

// Before it is done, and once more where it fails.
TEST_F(ManageTest, WhatIsAskedForStandsInTheAudit) {
  load({{"lora_name", "bot"}, {"lora_path", "law"}});
  load({{"lora_name", "other"}, {"lora_path", "nowhere"}});
  post("/v1/maru/models/unload", R"({"model": "bot"})");
  std::vector<std::string> done;
  const Json entries = get("/v1/maru/audit").json["data"];
  for (const Json& entry : entries)
    done.push_back(entry["action"].get<std::string>() + " " + entry["object"].get<std::string>());
  EXPECT_THAT(done, testing::ElementsAre("adapter.load bot", "adapter.load other", "adapter.load.failed other",
                                         "model.unload bot"));
  EXPECT_EQ("local", entries[0]["actor"]);
  EXPECT_THAT(entries[2]["details"]["message"].get<std::string>(), HasSubstr("nowhere"));
}

TEST_F(ManageTest, AdaptersComeAndGo) {
  EXPECT_EQ((std::vector<std::string>{"m", "first"}), ids());
  const Got got = load({{"lora_name", "bot"}, {"lora_path", "law"}});
  EXPECT_EQ(200, got.status) << got.body;
  EXPECT_EQ("Success: LoRA adapter 'bot' added successfully.\n", got.body);
  EXPECT_EQ((std::vector<std::string>{"m", "first", "bot"}), ids());
  const Json card = get("/v1/models/bot").json;
  EXPECT_EQ("m", card["parent"]);
  EXPECT_EQ("m", card["root"]);
  EXPECT_EQ("law", card["maru"]["adapter"]);
  EXPECT_NE(say("m"), say("bot"));
  EXPECT_NE(say("first"), say("bot"));
  EXPECT_EQ(200, post("/v1/unload_lora_adapter", R"({"lora_name":"bot"})").status);
  EXPECT_EQ((std::vector<std::string>{"m", "first"}), ids());
  const Got gone = post("/v1/completions", R"({"model":"bot","prompt":"x"})");
  EXPECT_EQ(404, gone.status);
  EXPECT_EQ("model_not_found", gone.json["error"]["code"]);
}

TEST_F(ManageTest, NothingIsLoadedFromElsewhere) {
  const std::string outside = (root_ / "outside").string();
  fs::create_directory_symlink(root_ / "outside", home_ / "adapters" / "sly");
  for (const std::string& path :
       {outside, std::string("../../outside"), (home_ / "adapters" / ".." / ".." / "outside").string(),
        (root_ / "peft" / ".." / "outside").string(), std::string("/etc"), std::string(".."), std::string(""),
        std::string("nowhere"), home_.string(), (root_ / "peft").string()}) {
    const Got got = load({{"lora_name", "x"}, {"lora_path", path}});
    EXPECT_EQ(400, got.status) << path << got.body;
    EXPECT_EQ("lora_path", got.json["error"]["param"]) << path << got.body;
  }
  EXPECT_EQ(200, load({{"lora_name", "x"}, {"lora_path", (root_ / "peft" / "first").string()}}).status);
  EXPECT_EQ(200, load({{"lora_name", "y"}, {"lora_path", (home_ / "adapters" / "law").string()}}).status);
  for (const std::string name : {"", "a/b", "..", ".hidden"})
    EXPECT_EQ("lora_name", load({{"lora_name", name}, {"lora_path", "law"}}).json["error"]["param"]) << name;
  const Got taken = load({{"lora_name", "x"}, {"lora_path", "law"}});
  EXPECT_EQ(400, taken.status);
  EXPECT_THAT(taken.body, HasSubstr("has already been loaded"));
  EXPECT_EQ(200, load({{"lora_name", "x"}, {"lora_path", "law"}, {"load_inplace", true}}).status);
  EXPECT_EQ(404, post("/v1/unload_lora_adapter", R"({"lora_name":"m"})").status) << "it is no adapter";
  EXPECT_EQ(404, post("/v1/unload_lora_adapter", R"({"lora_name":"zz"})").status);
}

TEST_F(ManageTest, SaysWhatIsWrongWithAnAdapterAndNotWhereItLies) {
  const fs::path weights = home_ / "adapters" / "law" / "adapter_model.safetensors";
  fs::resize_file(weights, 40);
  const Got got = load({{"lora_name", "x"}, {"lora_path", "law"}});
  EXPECT_EQ(400, got.status);
  EXPECT_EQ("lora_path", got.json["error"]["param"]);
  EXPECT_THAT(got.body, HasSubstr("the adapter/adapter_model.safetensors"));
  EXPECT_EQ(std::string::npos, got.body.find(root_.string()));
  EXPECT_EQ((std::vector<std::string>{"m", "first"}), ids());
}

TEST_F(ManageTest, ModelsComeAndGoAndAreReplaced) {
  const std::string before = say("m");
  EXPECT_EQ(200, post("/v1/maru/models/load", R"({"model":"other"})").status);
  const std::string other = say("other");
  EXPECT_NE(before, other);
  EXPECT_EQ(409, post("/v1/maru/models/load", R"({"model":"other","name":"m"})").status);
  EXPECT_EQ(200, post("/v1/maru/models/load", R"({"model":"other","name":"m","replace":true})").status);
  EXPECT_EQ(other, say("m"));
  EXPECT_EQ(200, post("/v1/maru/models/unload", R"({"model":"other"})").status);
  EXPECT_EQ(400, post("/v1/maru/models/unload", R"({"model":"m"})").status) << "the last";
  EXPECT_EQ(200, post("/v1/maru/models/load", R"({"model":"other","on_request":true})").status);
  EXPECT_EQ(false, get("/v1/models/other").json["maru"]["loaded"]);
  EXPECT_EQ(other, say("other"));
  EXPECT_EQ(true, get("/v1/models/other").json["maru"]["loaded"]);
  EXPECT_EQ(400, post("/v1/maru/models/load", R"({"model":"../../outside"})").status);
  EXPECT_EQ(400,
            post("/v1/maru/models/load", R"({"model":"other","name":"n","on_request":true,"replace":true})").status);
}

TEST_F(ManageTest, NeedsItsScope) {
  server_.reset();
  const auto entry = [](const char* name, const char* scope) {
    return Json{{"name", name}, {"hash", sha256_hex(std::string("key-") + name)}, {"scopes", {scope}}};
  };
  const fs::path keys = root_ / "keys.json";
  write_file(keys, Json{{"keys", {entry("user", "inference"), entry("boss", "manage")}}}.dump());
  fs::permissions(keys, fs::perms::owner_read | fs::perms::owner_write);
  config_.keys_file = keys.string();
  server_ = std::make_unique<ApiServer>(config_, context_, [this](serving::ModelHost& host) {
    host.load({home_ / "models" / "m", ""}, device_);
  });
  const std::string body = R"({"lora_name":"x","lora_path":"law"})";
  EXPECT_EQ(401, post("/v1/load_lora_adapter", body).status);
  EXPECT_EQ(403, post("/v1/load_lora_adapter", body, "Authorization: Bearer key-user\r\n").status);
  EXPECT_EQ(200, post("/v1/load_lora_adapter", body, "Authorization: Bearer key-boss\r\n").status);
}

}  // namespace
}  // namespace maru::api
