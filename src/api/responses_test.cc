// The Responses API from end to end: whole, streamed, kept, gone on with, in the background, and whose they are.
#include <unistd.h>

#include "api/test_server.h"
#include "base/hash.h"
#include "http/test_websocket.h"

namespace maru::api {
namespace {

class ResponsesTest : public ServeTest {
 protected:
  static std::string ask(std::string_view more = "", std::string_view input = "\"hi\"") {
    return R"({"model":"tiny","max_output_tokens":12,"temperature":0,"input":)" + std::string(input) +
           std::string(more) + "}";
  }
  Json created(std::string_view more = "", std::string_view input = "\"hi\"", std::string_view header = "") {
    const Got got = post("/v1/responses", ask(more, input), header);
    EXPECT_EQ(200, got.status) << got.body;
    return got.json;
  }
  static std::string text_of(const Json& response) { return response["output"][0]["content"][0]["text"]; }
  static std::string path_of(const Json& response, const std::string& more = "") {
    return "/v1/responses/" + response["id"].get<std::string>() + more;
  }
  Got remove(const std::string& path, std::string_view more = "") {
    http::TestClient client(port());
    client.send("DELETE " + path + " HTTP/1.1\r\nHost: localhost\r\n" + std::string(more) + "\r\n");
    return parse(client.read_response());
  }
  static std::vector<Json> events_in(const std::string& all) {
    std::vector<Json> events;
    for (size_t at = all.find("data: {"); at != std::string::npos; at = all.find("data: {", at + 1))
      events.push_back(parse_json(all.substr(at + 6, all.find("\n\n", at) - at - 6), "event").value());
    return events;
  }
  std::vector<Json> events_of(http::TestClient& client) { return events_in(client.read_until("\r\n0\r\n\r\n", 60)); }
  /// Asked for again, behind that number; -1: from the beginning.
  std::vector<Json> resumed(const Json& response, int64_t seen = -1) {
    http::TestClient client(port());
    client.get(path_of(response, "?stream=true" + (seen < 0 ? "" : "&starting_after=" + std::to_string(seen))));
    return events_of(client);
  }
  static std::string said_in(const std::vector<Json>& events) {
    std::string text;
    for (const Json& event : events)
      if (event["type"] == "response.output_text.delta") text += event["delta"];
    return text;
  }
  Json wait_for(const Json& response) {
    Json now = response;
    http::eventually([&] {
      now = get(path_of(response)).json;
      return now["status"] != "queued" && now["status"] != "in_progress";
    });
    return now;
  }
};

TEST_F(ResponsesTest, AnswersAsAChatDoes) {
  const Json response = created();
  EXPECT_EQ("response", response["object"]);
  EXPECT_EQ("incomplete", response["status"]);
  EXPECT_EQ("max_output_tokens", response["incomplete_details"]["reason"]);
  const Json other = post("/v1/chat/completions", chat(R"(,"temperature":0)")).json;
  EXPECT_EQ(other["choices"][0]["message"]["content"], text_of(response));
  EXPECT_EQ(other["usage"]["prompt_tokens"], response["usage"]["input_tokens"]);
  EXPECT_EQ(12, response["usage"]["output_tokens"]);
}

TEST_F(ResponsesTest, StreamsWhatItWouldAnswerWhole) {
  const Json whole = created();
  http::TestClient client(port());
  client.post("/v1/responses", ask(R"(,"stream":true)"));
  const std::string all = client.read_until("\r\n0\r\n\r\n");
  std::vector<std::string> names;
  std::string text;
  Json last;
  for (size_t at = all.find("event: "); at != std::string::npos; at = all.find("event: ", at + 1)) {
    names.push_back(all.substr(at + 7, all.find('\n', at) - at - 7));
    const size_t data = all.find("data: ", at) + 6;
    last = parse_json(all.substr(data, all.find("\n\n", data) - data), "event").value();
    EXPECT_EQ(names.back(), last["type"]);
    EXPECT_EQ(names.size() - 1, last["sequence_number"].get<size_t>());
    if (names.back() == "response.output_text.delta") text += last["delta"];
  }
  ASSERT_GE(names.size(), 8u);
  EXPECT_EQ((std::vector<std::string>{"response.created", "response.in_progress", "response.output_item.added",
                                      "response.content_part.added"}),
            (std::vector<std::string>(names.begin(), names.begin() + 4)));
  EXPECT_EQ("response.incomplete", names.back());
  EXPECT_EQ(text_of(whole), text);
  EXPECT_EQ(text, text_of(last["response"]));
  EXPECT_EQ(whole["usage"]["output_tokens"], last["response"]["usage"]["output_tokens"]);
  EXPECT_EQ(last["response"], get(path_of(last["response"])).json) << "it is kept";
}

TEST_F(ResponsesTest, AreKeptAskedForAndForgotten) {
  const Json response = created();
  EXPECT_EQ(response, get(path_of(response)).json);
  const Json items = get(path_of(response, "/input_items")).json;
  EXPECT_EQ("list", items["object"]);
  EXPECT_EQ("hi", items["data"][0]["content"][0]["text"]);
  EXPECT_EQ(items["first_id"], items["data"][0]["id"]);
  EXPECT_FALSE(items["has_more"].get<bool>());
  const Got gone = remove(path_of(response));
  EXPECT_EQ(200, gone.status) << gone.body;
  EXPECT_TRUE(gone.json["deleted"].get<bool>());
  EXPECT_EQ(404, get(path_of(response)).status);
  EXPECT_EQ(404, remove(path_of(response)).status);
  const Json unkept = created(R"(,"store":false)");
  EXPECT_EQ(404, get(path_of(unkept)).status);
}

TEST_F(ResponsesTest, ItemsComeInPages) {
  const Json response = created("", R"([{"id":"a","role":"user","content":"1"},{"id":"b","role":"user","content":"2"},
                                       {"id":"c","role":"user","content":"3"}])");
  const auto page = [&](const std::string& query) { return get(path_of(response, "/input_items?" + query)).json; };
  EXPECT_EQ("c", page("limit=2")["first_id"]) << "the newest first";
  EXPECT_EQ("a", page("limit=2&order=asc")["first_id"]);
  EXPECT_TRUE(page("limit=2")["has_more"].get<bool>());
  EXPECT_EQ("c", page("limit=2&order=asc&after=b")["last_id"]);
  EXPECT_EQ("after", page("after=z")["error"]["param"]);
  EXPECT_EQ("limit", page("limit=0")["error"]["param"]);
  EXPECT_EQ("limit", page("limit=9999999999999999999")["error"]["param"]);
  EXPECT_EQ("order", page("order=up")["error"]["param"]);
}

TEST_F(ResponsesTest, GoOnWithOneThatIsKept) {
  const Json first = created(R"(,"instructions":"be kind")");
  const std::string previous = R"(,"previous_response_id":)" + first["id"].dump();
  const Json second = created(previous, "\"and?\"");
  const Json told = {{{"role", "user"}, {"content", "hi"}},
                     {{"role", "assistant"}, {"content", text_of(first)}},
                     {{"role", "user"}, {"content", "and?"}}};
  EXPECT_EQ(text_of(created("", told.dump())), text_of(second)) << "as if it were told all; without the instructions";
  EXPECT_EQ(first["id"], second["previous_response_id"]);
  EXPECT_EQ(1u, get(path_of(second, "/input_items")).json["data"].size());
  remove(path_of(first));
  EXPECT_EQ(200, post("/v1/responses", ask(R"(,"previous_response_id":)" + second["id"].dump())).status)
      << "a later one holds all that was said";
  const Got lost = post("/v1/responses", ask(previous));
  EXPECT_EQ(404, lost.status);
  EXPECT_EQ("previous_response_id", lost.json["error"]["param"]);
}

TEST_F(ResponsesTest, WorkInTheBackground) {
  const Json queued = created(R"(,"background":true)");
  EXPECT_EQ("queued", queued["status"]);
  EXPECT_TRUE(queued["background"].get<bool>());
  const Json ended = wait_for(queued);
  EXPECT_EQ("incomplete", ended["status"]);
  EXPECT_EQ(text_of(created()), text_of(ended));
  EXPECT_EQ(ended, post(path_of(queued, "/cancel"), "").json) << "what has ended stays as it is";
  EXPECT_EQ("background", post(path_of(created(), "/cancel"), "{}").json["error"]["param"]);
}

TEST_F(ResponsesTest, BackgroundWorkIsCancelled) {
  model_.delay_ms = 20;
  const Json queued = created(R"(,"background":true,"max_output_tokens":400)");
  ASSERT_TRUE(http::eventually([&] { return server_->models().stats().running == 1; }));
  const Got busy = post("/v1/responses", ask(R"(,"previous_response_id":)" + queued["id"].dump()));
  EXPECT_EQ("previous_response_id", busy.json["error"]["param"]);
  const Got cancelled = post(path_of(queued, "/cancel"), "");
  EXPECT_EQ("cancelled", cancelled.json["status"]) << cancelled.body;
  EXPECT_EQ(cancelled.json, get(path_of(queued)).json);
  EXPECT_TRUE(free_again()) << "its place is free";
  const Json deleted = created(R"(,"background":true,"max_output_tokens":400)");
  EXPECT_EQ(200, remove(path_of(deleted)).status);
  EXPECT_TRUE(free_again());
  EXPECT_EQ(404, get(path_of(deleted)).status) << "and it does not come back";
}

TEST_F(ResponsesTest, BackgroundWorkThatFailsSaysSo) {
  model_.fail_next = true;
  const Json failed = wait_for(created(R"(,"background":true)"));
  EXPECT_EQ("failed", failed["status"]);
  EXPECT_EQ("server_error", failed["error"]["code"]);
  EXPECT_NE("", failed["error"]["message"]);
}

TEST_F(ResponsesTest, TheServerEndsWithWorkInTheBackground) {
  model_.delay_ms = 20;
  created(R"(,"background":true,"max_output_tokens":400)");
  http::TestClient client(port());
  client.post("/v1/responses", ask(R"(,"background":true,"stream":true,"max_output_tokens":400)"));
  client.read_until("output_item.added\",");
  server_.reset();  // neither hangs nor crashes
}

TEST_F(ResponsesTest, BackgroundWorkCountsAgainstItsClient) {
  model_.delay_ms = 20;
  config_.max_choices_per_client = 2;
  context_.api_keys = {"k"};
  const std::string_view key = "Authorization: Bearer k\r\n";
  for (int i = 0; i < 2; ++i) created(R"(,"background":true,"max_output_tokens":400)", "\"hi\"", key);
  EXPECT_EQ(429, post("/v1/responses", ask(R"(,"background":true)"), key).status);
}

TEST_F(ResponsesTest, BackgroundWorkIsStreamedAndItsEventsAreKept) {
  const Json whole = created();
  http::TestClient client(port());
  client.post("/v1/responses", ask(R"(,"background":true,"stream":true)"));
  const std::vector<Json> events = events_of(client);
  ASSERT_GT(events.size(), 8u);
  std::vector<std::string> begin;
  for (size_t i = 0; i < events.size(); ++i) {
    if (i < 4) begin.push_back(events[i]["type"]);
    EXPECT_EQ(i, events[i]["sequence_number"].get<size_t>());
  }
  EXPECT_EQ((std::vector<std::string>{"response.created", "response.queued", "response.in_progress",
                                      "response.output_item.added"}),
            begin);
  EXPECT_EQ("queued", events[0]["response"]["status"]);
  EXPECT_EQ("in_progress", events[2]["response"]["status"]);
  EXPECT_EQ("response.incomplete", events.back()["type"]);
  EXPECT_EQ(text_of(whole), said_in(events));
  const Json& response = events.back()["response"];
  EXPECT_EQ(response, get(path_of(response)).json);
  EXPECT_EQ(events, resumed(response));
  EXPECT_EQ(std::vector<Json>(events.begin() + 6, events.end()), resumed(response, 5));
  EXPECT_TRUE(resumed(response, std::ssize(events) - 1).empty()) << "nothing is left";
}

TEST_F(ResponsesTest, WhoLostTheStreamGoesOnWithIt) {
  model_.delay_ms = 20;
  const std::string body = ask(R"(,"background":true,"stream":true,"max_output_tokens":60)");
  std::vector<Json> events;
  {
    http::TestClient client(port());
    client.post("/v1/responses", body);
    const std::string begun = client.read_until("event: response.output_text.delta\n");
    events = events_in(begun + client.read_until("\n\n"));
  }
  ASSERT_FALSE(events.empty());
  const Json response = events.front()["response"];
  EXPECT_EQ("in_progress", get(path_of(response)).json["status"]) << "it goes on without the client";
  const std::vector<Json> rest = resumed(response, events.back()["sequence_number"]), all = resumed(response);
  events.insert(events.end(), rest.begin(), rest.end());
  EXPECT_EQ(events, all);
  EXPECT_EQ(60, all.back()["response"]["usage"]["output_tokens"]);
  EXPECT_EQ(text_of(all.back()["response"]), said_in(events));
}

TEST_F(ResponsesTest, AStreamInTheBackgroundEndsWhenItIsCancelled) {
  model_.delay_ms = 20;
  for (const bool deleted : {false, true}) {
    http::TestClient client(port());
    client.post("/v1/responses", ask(R"(,"background":true,"stream":true,"max_output_tokens":400)"));
    const std::string begun = client.read_until("event: response.in_progress\n");
    const Json response = events_in(begun).at(0)["response"];
    EXPECT_EQ(200, deleted ? remove(path_of(response)).status : post(path_of(response, "/cancel"), "").status);
    const std::string rest = client.read_until("\r\n0\r\n\r\n");
    EXPECT_NE(std::string::npos, rest.find("event: response.incomplete"));
    EXPECT_NE(std::string::npos, rest.find("\"status\":\"cancelled\""));
    EXPECT_EQ(deleted ? 404 : 200, get(path_of(response, "?stream=true")).status);
    EXPECT_TRUE(free_again());
  }
}

TEST_F(ResponsesTest, EventsThatWereNotKeptAreNotSent) {
  const Json whole = created();
  http::TestClient client(port());
  client.post("/v1/responses", ask(R"(,"background":true,"stream":true)"));
  const Json streamed = events_of(client).back();
  const auto refused = [&](const Json& response, const std::string& query) {
    const Got got = get(path_of(response, "?" + query));
    EXPECT_EQ(400, got.status) << query << got.body;
    return got.json["error"]["param"];
  };
  EXPECT_EQ("stream", refused(whole, "stream=true"));
  EXPECT_EQ("stream", refused(wait_for(created(R"(,"background":true)")), "stream=true"));
  EXPECT_EQ("stream", refused(whole, "stream=yes"));
  const Json& kept = streamed["response"];
  EXPECT_EQ("starting_after", refused(kept, "starting_after=1"));
  EXPECT_EQ("starting_after", refused(kept, "stream=false&starting_after=1"));
  const int64_t last = streamed["sequence_number"];
  for (const std::string& bad : {std::to_string(last + 1), std::string("-1"), std::string("1x"), std::string("1e3"),
                                 std::string("99999999999999999999")})
    EXPECT_EQ("starting_after", refused(kept, "stream=true&starting_after=" + bad)) << bad;
  EXPECT_EQ(404, get("/v1/responses/resp_none?stream=true").status);
}

TEST_F(ResponsesTest, EventsTakeNoMoreMemoryThanIsKept) {
  config_.stored_responses_mib = 1;
  model_.delay_ms = 5;  // all three are under way together, also where the machine is busy
  const std::string much =
      ask(R"(,"background":true,"stream":true,"max_output_tokens":400,"top_logprobs":20,"ignore_eos":true)");
  http::TestClient first(port()), second(port()), third(port());
  std::vector<std::string> ends;
  for (http::TestClient* client : {&first, &second, &third}) client->post("/v1/responses", much);
  std::string failure;
  for (http::TestClient* client : {&first, &second, &third}) {
    const Json last = events_of(*client).back();
    ends.push_back(last["type"]);
    if (last["type"] == "response.failed") failure = last["response"]["error"]["message"];
  }
  EXPECT_LE(1, std::count(ends.begin(), ends.end(), "response.failed"));
  EXPECT_NE(std::string::npos, failure.find("stored_responses_mib")) << failure;
  EXPECT_TRUE(free_again());
}

TEST_F(ResponsesTest, ATenantSeesItsOwn) {
  const fs::path file = fs::temp_directory_path() / ("maru_responses_" + std::to_string(::getpid()) + ".json");
  {
    AtomicFile keys(file, 0600);
    const auto record = [](const std::string& name, const std::string& tenant) {
      return R"({"name":")" + name + R"(","hash":")" + sha256_hex(name) + R"(","tenant":")" + tenant + "\"}";
    };
    keys.write("{\"keys\":[" + record("a1", "a") + "," + record("a2", "a") + "," + record("b1", "b") + "]}");
    keys.commit();
  }
  config_.keys_file = file.string();
  const auto with = [](const std::string& name) { return "Authorization: Bearer " + name + "\r\n"; };
  const Json mine = created("", "\"hi\"", with("a1"));
  EXPECT_EQ(200, get(path_of(mine), with("a2")).status) << "another key of the tenant";
  EXPECT_EQ(404, get(path_of(mine), with("b1")).status);
  EXPECT_EQ(404, get(path_of(mine, "/input_items"), with("b1")).status);
  EXPECT_EQ(404, post(path_of(mine, "/cancel"), "", with("b1")).status);
  EXPECT_EQ(404, remove(path_of(mine), with("b1")).status);
  EXPECT_EQ(404, post("/v1/responses", ask(R"(,"previous_response_id":)" + mine["id"].dump()), with("b1")).status);
  EXPECT_EQ(401, get(path_of(mine)).status);
  EXPECT_EQ(200, get(path_of(mine), with("a1")).status);
  fs::remove(file);
}

TEST_F(ResponsesTest, OldOnesGo) {
  config_.stored_responses = 2;
  const Json first = created(), second = created(), third = created();
  EXPECT_EQ(404, get(path_of(first)).status);
  EXPECT_EQ(200, get(path_of(second)).status);
  EXPECT_EQ(200, get(path_of(third)).status);
}

TEST_F(ResponsesTest, WhatIsGeneratedInTheBackgroundIsNotLostToWhatCameMeanwhile) {
  config_.stored_responses = 1;
  model_.delay_ms = 5;
  const Json queued = created(R"(,"background":true,"max_output_tokens":40)");
  created();
  EXPECT_TRUE(http::eventually([&] { return get(path_of(queued)).json["status"] == "incomplete"; }));
}

TEST_F(ResponsesTest, NothingIsKeptWhereTheOperatorSaysSo) {
  config_.stored_responses = 0;
  const Json response = created();
  EXPECT_FALSE(response["store"].get<bool>());
  EXPECT_EQ(404, get(path_of(response)).status);
  EXPECT_EQ("background", post("/v1/responses", ask(R"(,"background":true)")).json["error"]["param"]);
}

TEST_F(ResponsesTest, AClientThatLeavesIsNotWorkedFor) {
  model_.delay_ms = 10;
  {
    http::TestClient client(port());
    client.post("/v1/responses", ask(R"(,"stream":true,"max_output_tokens":400)"));
    client.read_until("response.output_text.delta");
  }
  EXPECT_TRUE(free_again());
}

TEST_F(ResponsesTest, SpeaksThroughAWebSocket) {
  http::TestWebSocket socket(port(), "/v1/responses");
  ASSERT_TRUE(socket.head.starts_with("HTTP/1.1 101 ")) << socket.head;
  const auto say = [&](const std::string& body) { socket.say(R"({"type":"response.create",)" + body.substr(1)); };
  const auto answered = [&] {
    std::vector<Json> events;
    do {
      events.push_back(parse_json(socket.next(), "event").value());
    } while (events.back()["type"] != "response.incomplete" && events.back()["type"] != "error");
    return events;
  };
  say(ask());
  const std::vector<Json> first = answered();
  EXPECT_EQ("response.created", first[0]["type"]);
  EXPECT_EQ(text_of(created()), text_of(first.back()["response"])) << "as over HTTP";
  const std::string id = first.back()["response"]["id"];
  say(ask(R"(,"previous_response_id":")" + id + "\""));
  EXPECT_EQ(id, answered().back()["response"]["previous_response_id"]);

  say(ask(R"(,"temperature":-1)"));
  Json error = answered().back();
  EXPECT_EQ(400, error["status"]);
  EXPECT_EQ("temperature", error["error"]["param"]);
  socket.say("{\"type\":\"response.creat");
  EXPECT_EQ(400, answered().back()["status"]) << "the connection stays";
  say(ask(R"(,"previous_response_id":"resp_none")"));
  error = answered().back();
  EXPECT_EQ(404, error["status"]);
  EXPECT_EQ("previous_response_id", error["error"]["param"]);
}

TEST_F(ResponsesTest, AWebSocketNeedsAKeyAndAPageOfOurs) {
  context_.api_keys = {"secret"};
  EXPECT_TRUE(http::TestWebSocket(port(), "/v1/responses").head.starts_with("HTTP/1.1 401 "));
  const std::string key = "Authorization: Bearer secret\r\n";
  EXPECT_TRUE(http::TestWebSocket(port(), "/v1/responses", key).head.starts_with("HTTP/1.1 101 "));
  const std::string foreign = key + "Origin: https://elsewhere.example\r\n";
  EXPECT_TRUE(http::TestWebSocket(port(), "/v1/responses", foreign).head.starts_with("HTTP/1.1 403 "));
  EXPECT_EQ(426, get("/v1/responses", key).status);
}

}  // namespace
}  // namespace maru::api
