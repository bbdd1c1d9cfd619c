// The entities of NeMo's API over a router without a connection.
#include <gmock/gmock.h>
#include <unistd.h>

#include "api/nemo/error.h"
#include "api/nemo/routes.h"
#include "http/test_request.h"

namespace maru::api::nemo {
namespace {

using http::Method;
using testing::ElementsAre;
using testing::HasSubstr;

/// Keys "alpha" and "beta" of two workspaces, "reader", which may not write in the first, and "root".
class Keys : public Authenticator {
 public:
  bool has_keys() const override { return true; }
  std::optional<Principal> principal_of(std::string_view key) const override {
    if (key == "alpha" || key == "beta")
      return Principal{.tenant = std::string(key), .key = std::string(key), .scopes = {"read", "write"}};
    if (key == "reader") return Principal{.tenant = "alpha", .key = "reader", .scopes = {"read"}};
    if (key == "root") return Principal{.tenant = "root", .key = "root", .scopes = {"*"}};
    return std::nullopt;
  }
};

class Open : public Authenticator {
 public:
  bool has_keys() const override { return false; }
  std::optional<Principal> principal_of(std::string_view) const override { return std::nullopt; }
};

class NemoTest : public testing::Test {
 protected:
  explicit NemoTest(std::unique_ptr<const Authenticator> keys = std::make_unique<Open>())
      : router_(std::move(keys), {}, {}, kDialect) {
    add_namespace_routes(router_, home_);
    add_entity_routes(router_, home_);
  }
  ~NemoTest() override { fs::remove_all(root_); }

  http::Response send(Method method, const std::string& target, const std::string& body = "",
                      const std::string& key = "") {
    http::Request request;
    http::parse_target("/nemo/v1/" + target, request).value();
    request.method = method;
    request.authority = "maru.lan";
    if (!key.empty()) request.headers = {{"authorization", "Bearer " + key}};
    request.body = body;
    return http::dispatch(router_, std::move(request));
  }
  Json get(const std::string& target) { return http::json_of(send(Method::kGet, target)); }
  Json post(const std::string& target, const Json& body) {
    const http::Response response = send(Method::kPost, target, body.dump());
    EXPECT_EQ(response.status, 200) << response.body;
    return http::json_of(response);
  }
  void make_dataset(const std::string& name, const std::string& space = "team") {
    post("datasets", {{"name", name}, {"namespace", space}, {"files_url", "hf://datasets/" + space + "/" + name}});
  }
  std::vector<std::string> names(const std::string& target) {
    std::vector<std::string> all;
    const Json answer = get(target);
    for (const Json& one : answer["data"]) all.push_back(one["name"]);
    return all;
  }
  /// The status and the place of an error.
  std::pair<int, Json> refused(Method method, const std::string& target, const Json& body = Json::object()) {
    const http::Response response = send(method, target, body.dump());
    const Json detail = http::json_of(response)["detail"];
    return {response.status, detail.is_array() ? detail[0]["loc"] : detail};
  }

  const fs::path root_ = fs::temp_directory_path() / ("maru_nemo_" + std::to_string(::getpid()));
  platform::HomeDatabase home_{root_};
  http::Router router_;
};

class NemoKeysTest : public NemoTest {
 protected:
  NemoKeysTest() : NemoTest(std::make_unique<Keys>()) {}
};

TEST_F(NemoTest, AnEntityIsMadeFoundChangedListedAndDeleted) {
  const Json made = post("datasets", {{"name", "talks"},
                                      {"namespace", "team"},
                                      {"files_url", "hf://datasets/team/talks"},
                                      {"project", "team/p"},
                                      {"custom_fields", {{"colour", {1, "둘"}}}}});
  EXPECT_THAT(made["id"].get<std::string>(), testing::StartsWith("dataset-"));
  EXPECT_EQ(made["ownership"]["created_by"], "local");
  EXPECT_EQ(get("datasets/team/talks"), made);
  const http::Response changed =
      send(Method::kPatch, "datasets/team/talks", R"({"description": "말", "namespace": "team", "split": null})");
  EXPECT_EQ(changed.status, 200) << changed.body;
  EXPECT_EQ(http::json_of(changed)["description"], "말");
  EXPECT_EQ(http::json_of(changed)["files_url"], "hf://datasets/team/talks");
  EXPECT_EQ(get("datasets")["data"][0], http::json_of(changed));
  const Json gone = http::json_of(send(Method::kDelete, "datasets/team/talks"));
  EXPECT_EQ(gone["id"], made["id"]);
  EXPECT_TRUE(gone.contains("deleted_at") && gone.contains("message"));
  EXPECT_EQ(send(Method::kGet, "datasets/team/talks").status, 404);
}

TEST_F(NemoTest, WithoutANameItsIdIsItAndWithoutANamespaceDefault) {
  const Json made = post("datasets", {{"files_url", "hf://datasets/team/talks"}});
  EXPECT_EQ(made["name"], made["id"]);
  EXPECT_EQ(made["namespace"], "default");
  EXPECT_EQ(get("datasets/default/" + made["id"].get<std::string>()), made);
}

TEST_F(NemoTest, EveryKindOfEntityIsKeptAsItWasSaid) {
  const std::pair<const char*, Json> bodies[] = {
      {"projects", {{"description", "d"}}},
      {"models",
       {{"base_model", "team/base"},
        {"artifact", {{"files_url", "hf://team/m"}, {"status", "upload_completed"}}},
        {"peft", {{"finetuning_type", "lora"}, {"lora", {{"alpha", 16}}}}},
        {"spec", {{"context_size", 4096}, {"num_parameters", 7}, {"num_virtual_tokens", 0}, {"is_chat", true}}}}},
      {"customization/targets", {{"num_parameters", 8'000'000'000}, {"precision", "bf16"}, {"enabled", true}}},
      {"customization/configs",
       {{"max_seq_length", 4096},
        {"target", "team/t"},
        {"training_options",
         Json::array(
             {{{"training_type", "sft"}, {"finetuning_type", "lora"}, {"num_gpus", 1}, {"micro_batch_size", 1}}})}}},
      {"evaluation/targets", {{"type", "model"}, {"model", "team/m"}}},
      {"evaluation/configs", {{"type", "custom"}, {"tasks", {{"t", {{"type", "data"}}}}}}},
      {"guardrail/configs", {{"data", {{"rails", {{"input", {{"flows", {"a"}}}}}}}}}}};
  for (const auto& [path, body] : bodies) {
    Json said = body;
    said["name"] = "n";
    said["namespace"] = "team";
    Json kept = post(path, said);
    EXPECT_EQ(get(std::string(path) + "/team/n"), kept) << path;
    for (const auto& [key, value] : said.items()) EXPECT_EQ(kept[key], value) << path << " " << key;
    EXPECT_EQ(get(path)["pagination"]["total_results"], 1) << path;
  }
}

TEST_F(NemoTest, ANamespaceIsAWorkspace) {
  const Json made = post("namespaces", {{"id", "lab"}, {"description", "말"}});
  EXPECT_EQ(made["id"], "lab");
  EXPECT_EQ(get("namespaces/lab"), made);
  EXPECT_EQ(send(Method::kPost, "namespaces", R"({"id": "lab"})").status, 409);
  make_dataset("talks", "lab");
  EXPECT_EQ(send(Method::kDelete, "namespaces/lab").status, 409) << "it holds an entity";
  send(Method::kDelete, "datasets/lab/talks");
  EXPECT_EQ(http::json_of(send(Method::kDelete, "namespaces/lab"))["id"], "lab");
  EXPECT_EQ(send(Method::kGet, "namespaces/lab").status, 404);
  make_dataset("talks", "named-first");
  const Json all = get("namespaces?page_size=1&page=2");
  EXPECT_EQ(all["pagination"]["total_results"], 2) << "local, and what an entity named first";
  EXPECT_EQ(all["data"].size(), 1u);
  EXPECT_EQ(get("namespaces?page=3&page_size=1")["data"], Json::array());
  for (const auto& [body, field] : {std::pair<Json, const char*>{{{"description", "d"}}, "id"},
                                    {{{"id", "a/b"}}, "id"},
                                    {{{"id", "x"}, {"custom_fields", {{"a", 1}}}}, "custom_fields"}})
    EXPECT_EQ(refused(Method::kPost, "namespaces", body), std::pair(422, Json{"body", field})) << body;
}

TEST_F(NemoKeysTest, NamespacesAreMadeByTheOperatorAndSeenByTheirOwn) {
  EXPECT_EQ(send(Method::kPost, "namespaces", R"({"id": "alpha"})", "alpha").status, 403);
  EXPECT_EQ(send(Method::kPost, "namespaces", R"({"id": "alpha"})", "root").status, 200);
  EXPECT_EQ(send(Method::kGet, "namespaces/alpha", "", "alpha").status, 200);
  EXPECT_EQ(send(Method::kGet, "namespaces/alpha", "", "beta").status, 404);
  EXPECT_EQ(http::json_of(send(Method::kGet, "namespaces", "", "beta"))["data"], Json::array());
  EXPECT_EQ(http::json_of(send(Method::kGet, "namespaces", "", "alpha"))["data"].size(), 1u);
}

TEST_F(NemoTest, WhatClientsRepeatIsFinal) {
  make_dataset("talks");
  const http::Response again =
      send(Method::kPost, "datasets", R"({"name": "talks", "namespace": "team", "files_url": "x"})");
  EXPECT_EQ(again.status, 409);
  EXPECT_EQ(http::find_header(again.headers, "x-should-retry"), "false");
  EXPECT_THAT(http::json_of(again)["detail"].get<std::string>(), HasSubstr("team/talks"));
}

TEST_F(NemoTest, AFieldAtFaultIsNamed) {
  const Json missing{"body", "files_url"};
  EXPECT_EQ(refused(Method::kPost, "datasets"), std::pair(422, missing));
  EXPECT_EQ(refused(Method::kPost, "models", {{"artifact", {{"files_url", "x"}}}}),
            std::pair(422, Json{"body", "artifact", "status"}));
  EXPECT_EQ(refused(Method::kPost, "models", {{"peft", {{"finetuning_type", "magic"}}}}),
            std::pair(422, Json{"body", "peft", "finetuning_type"}));
  EXPECT_EQ(refused(Method::kPost, "models", {{"api_endpoint", {{"url", "u"}, {"model_id", "m"}, {"api_key", "k"}}}}),
            std::pair(422, Json{"body", "api_endpoint", "api_key"}));
  EXPECT_EQ(refused(Method::kPost, "customization/configs",
                    {{"max_seq_length", 8}, {"training_options", Json::array({{{"training_type", "sft"}}})}}),
            std::pair(422, Json{"body", "training_options", 0, "finetuning_type"}));
  EXPECT_EQ(refused(Method::kPost, "datasets", {{"files_url", "x"}, {"colour", 1}}).first, 422);
  EXPECT_EQ(refused(Method::kPost, "datasets", {{"files_url", 1}}), std::pair(422, missing));
  EXPECT_EQ(refused(Method::kPost, "datasets", {{"files_url", "x"}, {"name", "a/b"}}).first, 422);
  EXPECT_EQ(send(Method::kPost, "datasets", "{").status, 400);
  make_dataset("talks");
  EXPECT_EQ(refused(Method::kPatch, "datasets/team/talks", {{"name", "other"}}), std::pair(422, Json{"body", "name"}));
}

TEST_F(NemoTest, PagesEndWithAnEmptyOne) {
  for (int i = 0; i < 25; ++i) make_dataset("d" + std::to_string(10 + i));
  EXPECT_EQ(names("datasets").size(), 10u);
  EXPECT_THAT(names("datasets?page=3&page_size=10"), ElementsAre("d30", "d31", "d32", "d33", "d34"));
  EXPECT_THAT(names("datasets?sort=-name&page_size=2"), ElementsAre("d34", "d33"));
  const Json past = get("datasets?page=4&page_size=10");
  EXPECT_EQ(past["data"], Json::array());
  EXPECT_EQ(
      past["pagination"],
      (Json{{"page", 4}, {"page_size", 10}, {"current_page_size", 0}, {"total_pages", 3}, {"total_results", 25}}));
  EXPECT_EQ(past["object"], "list");
  for (const char* bad :
       {"page=0", "page=x", "page=-1", "page_size=0", "page_size=1001", "sort=colour", "page=99999999999999999999"})
    EXPECT_EQ(refused(Method::kGet, std::string("datasets?") + bad).second[0], "query") << bad;
}

TEST_F(NemoTest, ListsAreFilteredAndSearched) {
  make_dataset("talks");
  make_dataset("books", "other");
  post("models",
       {{"name", "a"}, {"namespace", "team"}, {"base_model", "team/base"}, {"peft", {{"finetuning_type", "lora"}}}});
  post("models", {{"name", "b"}, {"namespace", "team"}, {"base_model", "team/base2"}});
  EXPECT_THAT(names("datasets?filter%5Bnamespace%5D=other"), ElementsAre("books"));
  EXPECT_THAT(names("datasets?search[name]=TAL,boo"), ElementsAre("talks", "books"));
  EXPECT_THAT(names("datasets?search[name]=tal&search[name]=boo&search[namespace]=oth"), ElementsAre("books"));
  EXPECT_THAT(names("models?filter[peft]=true"), ElementsAre("a"));
  EXPECT_THAT(names("models?filter[peft]=false"), ElementsAre("b"));
  EXPECT_THAT(names("models?filter[base_model]=team/base"), ElementsAre("a"));
  EXPECT_THAT(names("models?filter[base_model][name]=team/base2"), ElementsAre("b"));
  EXPECT_THAT(names("datasets?filter[created_at][gte]=2020-01-01"), ElementsAre("talks", "books"));
  EXPECT_THAT(names("datasets?search[created_at][end]=2020-01-01T00:00:00%2B00:00"), ElementsAre());
  EXPECT_EQ(get("datasets?filter[created_at][gte]=2020-01-01")["filter"],
            (Json{{"created_at", {{"gte", "2020-01-01"}}}}));
  for (const char* bad : {"filter[colour]=1", "filter=1", "filter[name=1", "filter[name]=1&filter[name][x]=2",
                          "filter[created_at][gte]=yesterday", "search[created_at][after]=2020-01-01",
                          "filter[created_at][gte]=2020-01-01T00:00:00-05:00"})
    EXPECT_EQ(refused(Method::kGet, std::string("datasets?") + bad),
              std::pair(422, Json{"query", std::string(bad).substr(0, 6)}))
        << bad;
}

TEST_F(NemoTest, OptionsOfAConfigComeAndGo) {
  const auto option = [](const char* training, const char* finetuning) {
    return Json{{"training_type", training}, {"finetuning_type", finetuning}, {"num_gpus", 1}, {"micro_batch_size", 2}};
  };
  post("customization/configs",
       {{"name", "c"}, {"namespace", "team"}, {"max_seq_length", 128}, {"training_options", {option("sft", "lora")}}});
  const std::string path = "customization/configs/team/c";
  send(Method::kPatch, path, Json{{"add_training_options", {option("dpo", "all_weights")}}}.dump());
  EXPECT_EQ(get(path)["training_options"].size(), 2u);
  EXPECT_EQ(names("customization/configs?filter[training_type]=dpo").size(), 1u);
  EXPECT_EQ(names("customization/configs?filter[finetuning_type]=lora").size(), 1u);
  const Json gone{{"training_type", "sft"}, {"finetuning_type", "lora"}};
  send(Method::kPatch, path, Json{{"remove_training_options", {gone}}}.dump());
  EXPECT_EQ(get(path)["training_options"], Json::array({option("dpo", "all_weights")}));
  EXPECT_FALSE(get(path).contains("remove_training_options"));
  EXPECT_EQ(names("customization/configs?filter[finetuning_type]=lora").size(), 0u);
  EXPECT_EQ(refused(Method::kPatch, path,
                    {{"remove_training_options", {{{"training_type", "dpo"}, {"finetuning_type", "all_weights"}}}}})
                .first,
            422);
  EXPECT_EQ(get(path)["training_options"].size(), 1u);
}

TEST_F(NemoKeysTest, EveryRouteWantsAKeyWithItsScope) {
  for (const http::Route& route : router_.routes()) {
    std::string target = route.pattern.substr(kPrefix.size());
    for (const char* mark : {"{namespace}", "{name}"})
      if (const size_t at = target.find(mark); at != target.npos)
        target.replace(at, std::string_view(mark).size(), "alpha");
    EXPECT_EQ(send(route.method, target, "{}").status, 401) << route.pattern;
    EXPECT_EQ(send(route.method, target, "{}", "nobody").status, 401) << route.pattern;
    EXPECT_EQ(send(route.method, target, "{}", "reader").status == 403, route.method != Method::kGet) << route.pattern;
  }
}

TEST_F(NemoKeysTest, AWorkspaceIsAWall) {
  const std::string body = R"({"name": "talks", "files_url": "hf://datasets/alpha/talks"})";
  EXPECT_EQ(http::json_of(send(Method::kPost, "datasets", body, "alpha"))["namespace"], "alpha");
  EXPECT_EQ(send(Method::kPost, "datasets", R"({"namespace": "alpha", "files_url": "x"})", "beta").status, 404);
  for (const Method method : {Method::kGet, Method::kPatch, Method::kDelete}) {
    const http::Response met = send(method, "datasets/alpha/talks", "{}", "beta");
    std::string of_none = send(method, "datasets/alpha/nones", "{}", "beta").body;
    of_none.replace(of_none.find("nones"), 5, "talks");
    EXPECT_EQ(met.status, 404);
    EXPECT_EQ(met.body, of_none);
  }
  EXPECT_EQ(http::json_of(send(Method::kGet, "datasets", "", "beta"))["pagination"]["total_results"], 0);
  EXPECT_EQ(
      http::json_of(send(Method::kGet, "datasets?filter[namespace]=alpha", "", "beta"))["pagination"]["total_results"],
      0);
  EXPECT_EQ(http::json_of(send(Method::kGet, "datasets", "", "root"))["pagination"]["total_results"], 1);
  EXPECT_EQ(send(Method::kGet, "datasets/alpha/talks", "", "root").status, 200);
}

}  // namespace
}  // namespace maru::api::nemo
