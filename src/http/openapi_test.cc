#include "http/openapi.h"

#include <gtest/gtest.h>

#include "base/test_schema.h"
#include "http/auth.h"
#include "http/json_body.h"
#include "http/test_request.h"

namespace maru::http {
namespace {

struct Order {
  std::string thing;
  int64_t pieces = 1;
  static constexpr auto fields() {
    return std::tuple{field("thing", &Order::thing, "what"), field("pieces", &Order::pieces, "").range(1, 9)};
  }
};

namespace elsewhere {

struct Order {
  std::string thing;
  static constexpr auto fields() { return std::tuple{field("thing", &Order::thing, "what")}; }
};

}  // namespace elsewhere

Reply nothing(const Request&, const Wake&) { return {}; }

constexpr Dialect kSilent{.error_body = nullptr, .credential = nullptr, .place_of_key = "", .error_schema = nullptr};

Router shop() {
  Router router{std::make_unique<ApiKeys>(std::vector<std::string>{})};
  router.add({.pattern = "/things", .handler = nothing, .doc = "what there is"});
  router.add({.method = Method::kPost,
              .pattern = "/things",
              .handler = nothing,
              .doc = "order one",
              .body = body_schema<Order>});
  router.add({.pattern = "/things/{id}/parts/{part}", .handler = nothing, .dialect = &kSilent, .doc = "one part"});
  return router;
}

TEST(OpenApi, ListsEveryRouteOfTheTable) {
  const Router router = shop();
  const Json document = openapi(router, "1.2");
  EXPECT_EQ("3.1.0", document["openapi"]);
  EXPECT_EQ("1.2", document["info"]["version"]);
  size_t operations = 0;
  for (const auto& path : document["paths"].items()) operations += path.value().size();
  EXPECT_EQ(router.routes().size(), operations);
  for (const Route& route : router.routes())
    EXPECT_EQ(route.doc, document["paths"][route.pattern][lower_case(name_of(route.method))]["summary"]);
}

TEST(OpenApi, TwoBodiesOfOneNameAreFoundAtTheStart) {
  Router router = shop();
  EXPECT_NO_THROW(check_schemas(router));
  router.add({.method = Method::kPost, .pattern = "/again", .handler = nothing, .doc = "", .body = body_schema<Order>});
  EXPECT_NO_THROW(check_schemas(router)) << "the same struct";
  router.add({.method = Method::kPut,
              .pattern = "/others",
              .handler = nothing,
              .doc = "",
              .body = body_schema<elsewhere::Order>});
  try {
    check_schemas(router);
    FAIL() << "nothing found";
  } catch (const Failure& failure) {
    EXPECT_EQ(ErrorCode::kInternal, failure.code());
    EXPECT_EQ(0u, std::string(failure.what()).find("PUT /others: two structs are called Order")) << failure.what();
  }
}

TEST(OpenApi, NamesWhatAPathTakes) {
  const Json operation = openapi(shop(), "")["paths"]["/things/{id}/parts/{part}"]["get"];
  ASSERT_EQ(2u, operation["parameters"].size());
  EXPECT_EQ("part", operation["parameters"][1]["name"]);
  EXPECT_EQ("path", operation["parameters"][1]["in"]);
  EXPECT_FALSE(openapi(shop(), "")["paths"]["/things"]["get"].contains("parameters"));
  Router files = shop();
  files.add({.pattern = "/{space}.git/{path*}", .handler = {}, .doc = "files"});
  const Json rest = openapi(files, "")["paths"]["/{space}.git/{path}"]["get"]["parameters"];
  ASSERT_EQ(2u, rest.size());
  EXPECT_EQ("space", rest[0]["name"]);
  EXPECT_EQ("path", rest[1]["name"]);
}

TEST(OpenApi, DescribesBodiesByTheirFieldTables) {
  const Json document = openapi(shop(), ""), operations = document["paths"]["/things"];
  EXPECT_FALSE(operations["get"].contains("requestBody"));
  const Json body = operations["post"]["requestBody"]["content"]["application/json"]["schema"];
  EXPECT_EQ("#/components/schemas/Order", body["$ref"]);
  const Json& all = document["components"]["schemas"];
  EXPECT_EQ("", misfit(Json{{"thing", "lamp"}, {"pieces", nullptr}}, body, all));
  EXPECT_EQ("$.pieces: out of bounds", misfit(Json{{"pieces", 10}}, body, all));
}

TEST(OpenApi, DescribesErrorsAsTheyAre) {
  const Json document = openapi(shop(), "");
  const Json error = document["paths"]["/things"]["get"]["responses"]["default"]["content"]["application/json"];
  const Json sent = parse_json(kPlain.error_body({.message = "m", .word = "w"}), "").value();
  EXPECT_EQ("", misfit(sent, error["schema"], document["components"]["schemas"]));
  const Json silent = document["paths"]["/things/{id}/parts/{part}"]["get"]["responses"]["default"];
  EXPECT_FALSE(silent.contains("content")) << "its dialect does not say";
}

TEST(OpenApi, IsARouteItself) {
  Router router = shop();
  add_openapi_route(router, "1.2");
  router.add({.pattern = "/later", .handler = nothing});
  const Json document = json_of(get(router, "/openapi.json"));
  EXPECT_TRUE(document["paths"].contains("/openapi.json"));
  EXPECT_TRUE(document["paths"].contains("/later"));
}

}  // namespace
}  // namespace maru::http
