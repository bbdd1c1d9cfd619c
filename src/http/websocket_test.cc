#include "http/websocket.h"

#include <gtest/gtest.h>

#include <vector>

#include "http/test_websocket.h"

namespace maru::http {
namespace {

using Kind = Frame::Kind;

/// What a reader makes of `bytes` that come in pieces of `size`: "text:abc", "ping:", and in the end "fault 1002".
std::vector<std::string> read(std::string_view bytes, size_t size = 1 << 20, uint64_t most = 1 << 20) {
  FrameReader reader(most);
  std::vector<std::string> seen;
  for (size_t at = 0; at < bytes.size() && !reader.fault(); at += size) {
    std::string_view piece = bytes.substr(at, size);
    while (!piece.empty() && !reader.fault()) {
      piece.remove_prefix(reader.feed(piece));
      if (const auto frame = reader.frame()) {
        const char* names[] = {"", "text", "binary", "", "", "", "", "", "close", "ping", "pong"};
        seen.push_back(names[static_cast<size_t>(frame->kind)] + (":" + frame->data));
      }
    }
  }
  if (const auto& fault = reader.fault()) seen.push_back("fault " + std::to_string(static_cast<int>(fault->status)));
  return seen;
}

using List = std::vector<std::string>;

Request opening() {
  return {.headers = {{"upgrade", "websocket"},
                      {"connection", "keep-alive, Upgrade"},
                      {"sec-websocket-version", "13"},
                      {"sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="}}};
}

TEST(WebSocket, AcceptsTheHandshakeOfTheRfc) {
  const Request request = opening();
  EXPECT_FALSE(upgrade_problem(request));
  const std::string head = upgrade_head(request, {{"X-More", "yes"}});
  EXPECT_TRUE(head.starts_with("HTTP/1.1 101 "));
  EXPECT_NE(head.find("\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"), std::string::npos) << "§1.3";
  EXPECT_TRUE(head.ends_with("\r\nX-More: yes\r\n\r\n"));
}

TEST(WebSocket, RefusesOtherHandshakes) {
  const auto status = [](const char* name, const char* value) {
    Request request = opening();
    for (auto& header : request.headers)
      if (header.first == name) header.second = value;
    const auto problem = upgrade_problem(request);
    return problem ? problem->status : 0;
  };
  EXPECT_EQ(0, status("upgrade", "h2c, WebSocket"));
  EXPECT_EQ(426, status("upgrade", "websocket2"));
  EXPECT_EQ(426, status("connection", "close"));
  EXPECT_EQ(426, status("sec-websocket-version", "8"));
  for (const char* key : {"", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZQ=a",
                          "dGhlIHNhbXBsZSBub2*jZQ==", "dGhlIHNhbXBsZSBub25jZWVlZWU="})
    EXPECT_EQ(400, status("sec-websocket-key", key)) << key;
  Request post = opening();
  post.method = Method::kPost;
  EXPECT_EQ(426, upgrade_problem(post)->status);
}

TEST(WebSocket, ReadsTheFramesOfTheRfc) {  // §5.7
  EXPECT_EQ(read("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"), List{"text:Hello"});
  EXPECT_EQ(read("\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"), List{"pong:Hello"});
  EXPECT_EQ(read(masked(0x01, "Hel") + masked(0x80, "lo")), List{"text:Hello"});
  EXPECT_EQ(read(masked(0x82, std::string(256, 'b'))), List{"binary:" + std::string(256, 'b')});
  EXPECT_EQ(read(masked(0x82, std::string(65536, 'b'))), List{"binary:" + std::string(65536, 'b')});
}

TEST(WebSocket, WritesTheFramesOfTheRfc) {
  EXPECT_EQ(frame_of(Kind::kText, "Hello"), "\x81\x05Hello");
  EXPECT_EQ(frame_of(Kind::kBinary, std::string(125, 'b')).substr(0, 2), "\x82\x7D");
  EXPECT_EQ(frame_of(Kind::kBinary, std::string(126, 'b')).substr(0, 4), std::string("\x82\x7E\x00\x7E", 4));
  EXPECT_EQ(frame_of(Kind::kBinary, std::string(65535, 'b')).substr(0, 4), "\x82\x7E\xFF\xFF");
  EXPECT_EQ(frame_of(Kind::kBinary, std::string(65536, 'b')).substr(0, 10),
            std::string("\x82\x7F\x00\x00\x00\x00\x00\x01\x00\x00", 10));
}

TEST(WebSocket, ReadsTheSameHoweverItIsCut) {
  const std::string bytes = masked(0x01, "한") + masked(0x89, "are you there") + masked(0x00, "국") +
                            masked(0x80, std::string(300, 'x')) + masked(0x81, "") + masked(0x88, "\x03\xe8") + "more";
  const List whole = read(bytes);
  EXPECT_EQ(whole,
            (List{"ping:are you there", "text:한국" + std::string(300, 'x'), "text:", "close:\x03\xe8", "fault 1002"}));
  for (size_t size = 1; size < bytes.size(); ++size) EXPECT_EQ(read(bytes, size), whole) << size;
  const size_t cut = bytes.find("\xED") == std::string::npos ? 8 : 8;
  EXPECT_EQ(read(masked(0x01, "\xED\x95") + masked(0x80, "\x9C"), cut), List{"text:한"}) << "a character in two frames";
}

TEST(WebSocket, RefusesWhatTheRfcForbids) {
  const List bad{"fault 1002"};
  EXPECT_EQ(read("\x81\x05Hello"), bad) << "not masked";
  for (const char first : {'\xC1', '\xA1', '\x91'}) EXPECT_EQ(read(std::string(1, first)), bad) << "reserved bits";
  for (const char first : {'\x83', '\x87', '\x8B', '\x8F'}) EXPECT_EQ(read(std::string(1, first)), bad) << "opcode";
  EXPECT_EQ(read(masked(0x09, "")), bad) << "a ping in parts";
  EXPECT_EQ(read(masked(0x89, std::string(126, 'p'))), bad) << "a long ping";
  EXPECT_EQ(read(masked(0x80, "x")), bad) << "continues nothing";
  EXPECT_EQ(read(masked(0x01, "x") + masked(0x81, "y")), bad) << "a message within a message";
  EXPECT_EQ(read(masked(0x81, "x") + masked(0x80, "y")), (List{"text:x", "fault 1002"}));
  EXPECT_EQ(read(std::string("\x81\xFE\x00\x7Dmask", 8)), bad) << "125 in two bytes";
  EXPECT_EQ(read(std::string("\x81\xFF\0\0\0\0\0\0\xFF\xFFmask", 14)), bad) << "65535 in eight bytes";
  EXPECT_EQ(read(std::string("\x81\xFF\x80\0\0\0\0\0\0\x01mask", 14)), bad) << "the first bit of a length";
  EXPECT_EQ(read("GET / HTTP/1.1\r\n\r\n"), bad);
}

TEST(WebSocket, LimitsMessagesNotFrames) {
  EXPECT_EQ(read(masked(0x81, "12345678"), 1, 8), List{"text:12345678"});
  EXPECT_EQ(read(masked(0x81, "123456789"), 1, 8), List{"fault 1009"});
  EXPECT_EQ(read(masked(0x01, "1234") + masked(0x00, "5678") + masked(0x80, "9"), 3, 8), List{"fault 1009"});
  EXPECT_EQ(read(masked(0x01, "12345678") + masked(0x89, "pings do not count") + masked(0x80, ""), 3, 8),
            (List{"ping:pings do not count", "text:12345678"}));
  const std::string huge("\x81\xFF\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFFmask", 14);
  EXPECT_EQ(read(huge), List{"fault 1009"}) << "nothing is allocated for what is only claimed";
}

TEST(WebSocket, TextIsUtf8) {
  for (const char* bad : {"\xC0\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80", "cut \xED\x95"})
    EXPECT_EQ(read(masked(0x81, bad)), List{"fault 1007"}) << bad;
  EXPECT_EQ(read(masked(0x82, "\xC0\xAF")), List{"binary:\xC0\xAF"});
}

TEST(WebSocket, AnswersClosingFrames) {
  const auto answer = [](std::string_view payload) { return static_cast<int>(answer_to_close(payload)); };
  EXPECT_EQ(1000, answer(""));
  EXPECT_EQ(1000, answer("\x03\xe8 bye"));
  EXPECT_EQ(1000, answer("\x0f\xa0"));  // 4000
  EXPECT_EQ(1002, answer("\x03"));
  for (const char* status : {"\x03\xe7", "\x03\xec", "\x03\xed", "\x03\xee", "\x03\xf7", "\x07\xd0", "\x13\x88"})
    EXPECT_EQ(1002, answer(status)) << "999, 1004, 1005, 1006, 1015, 2000, 5000";
  EXPECT_EQ(1007, answer("\x03\xe8\xC0\xAF"));
  EXPECT_EQ(close_frame(CloseStatus::kTooLong, "long"), "\x88\x06\x03\xf1long");
  const std::string cut = close_frame(CloseStatus::kNormal, std::string(122, 'x') + "한");
  EXPECT_EQ(cut.size(), 2u + 2 + 122) << "reasons end with a whole character";
}

}  // namespace
}  // namespace maru::http
