// A new dialect is its folder and one line where a server is told of it: the same model, the same answers, other words.
#include "api/test_server.h"
#include "telegraph/routes.h"

namespace maru::api {
namespace {

class DialectTest : public ServeTest {
 protected:
  void SetUp() override {
    ServeTest::SetUp();
    context_.dialects.push_back(telegraph::add_routes);
  }
  static std::string telegram(const Json& more = Json::object()) {
    Json body{{"station", "tiny"}, {"message", "hi"}, {"longest", 12}};
    body.update(more);
    return body.dump();
  }
  std::string openai_text() {
    return post("/v1/chat/completions", chat(R"(,"temperature":0)")).json["choices"][0]["message"]["content"];
  }
};

TEST_F(DialectTest, GivesTheSameAnswerInItsOwnWords) {
  const Got got = post("/telegraph", telegram());
  ASSERT_EQ(200, got.status) << got.body;
  const std::string text = openai_text();
  EXPECT_EQ(12u, text.size());
  EXPECT_EQ((Json{{"station", "tiny"}, {"reply", text}, {"ended", "the wire is full"}}), got.json);
}

TEST_F(DialectTest, EndsBeforeAStop) {
  const std::string text = openai_text(), stop = text.substr(4, 3);
  const Got got = post("/telegraph", telegram({{"until", {"never", stop}}}));
  EXPECT_EQ(text.substr(0, text.find(stop)), got.json["reply"]);
  EXPECT_EQ("until " + stop, got.json["ended"]);
}

// The names of a stream's events in turn, and the text in them.
std::pair<std::vector<std::string>, std::string> read_events(const std::string& all) {
  std::vector<std::string> names;
  std::string text;
  for (size_t at = all.find("event: "); at != std::string::npos; at = all.find("event: ", at + 1)) {
    names.push_back(all.substr(at + 7, all.find('\n', at) - at - 7));
    const size_t data = all.find("data: ", at) + 6;
    text += parse_json(all.substr(data, all.find("\n\n", data) - data), "event").value().value("text", "");
  }
  return {names, text};
}

TEST_F(DialectTest, StreamsNamedEvents) {
  http::TestClient client(port());
  client.post("/telegraph", telegram({{"ticker", true}}));
  const auto [names, text] = read_events(client.read_until("\r\n0\r\n\r\n"));
  EXPECT_EQ(openai_text(), text);
  ASSERT_GE(names.size(), 2u);
  EXPECT_EQ("signal", names.front());
  EXPECT_EQ("over", names.back());
}

TEST_F(DialectTest, RefusesInItsOwnForm) {
  const auto fault = [&](const Json& more) { return post("/telegraph", telegram(more)).json["fault"]; };
  EXPECT_EQ((Json{{"number", 400}, {"where", "message"}, {"reason", "message: is required"}}),
            fault({{"message", ""}}));
  EXPECT_EQ("until[1]", fault({{"until", {"x", ""}}})["where"]);
  EXPECT_EQ("noise", fault({{"noise", 3}})["where"]);
  EXPECT_EQ(404, fault({{"station", "none"}})["number"]);
  EXPECT_EQ(405, get("/telegraph").json["fault"]["number"]);
  EXPECT_TRUE(get("/v1/chat/completions").json.contains("error")) << "others stay with theirs";
  model_.fail_next = true;
  EXPECT_EQ(500, fault(Json::object())["number"]);
}

TEST_F(DialectTest, HasItsOwnPlaceForTheKey) {
  context_.api_keys = {"secret"};
  const Got none = post("/telegraph", telegram());
  EXPECT_EQ(401, none.json["fault"]["number"]);
  EXPECT_NE(std::string::npos, none.body.find("telegraph-key: KEY")) << none.body;
  EXPECT_EQ(200, post("/telegraph", telegram(), "telegraph-key: secret\r\n").status);
  EXPECT_EQ(401, post("/telegraph", telegram(), "Authorization: Bearer secret\r\n").status);
  EXPECT_EQ(401, post("/v1/chat/completions", chat(), "telegraph-key: secret\r\n").status);
}

TEST_F(DialectTest, IsThereByItsLineAlone) {
  context_.dialects.pop_back();
  EXPECT_EQ(404, post("/telegraph", telegram()).status);
  EXPECT_EQ(200, post("/v1/chat/completions", chat()).status);
}

}  // namespace
}  // namespace maru::api
