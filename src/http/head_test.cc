#include "http/head.h"

#include <gtest/gtest.h>

#include "http/chunks.h"

namespace maru::http {
namespace {

/// What a server makes of a head: "" for one it takes, else its complaint; "more" while it waits for the rest.
std::string complaint(std::string_view bytes) {
  HeadScanner scanner(100);
  const Result<size_t> size = scanner.scan(bytes);
  if (!size) return size.error().message;
  if (size.value() == 0) return "more";
  const Result<Head> head = parse_head(bytes.substr(0, size.value()));
  return head ? "" : head.error().message;
}

std::string with(std::string_view line) { return "POST / HTTP/1.1\r\nHost: x\r\n" + std::string(line) + "\r\n\r\n"; }

TEST(Head, SaysWhereTheBodyEnds) {
  struct Case {
    const char* lines;
    bool chunked;
    uint64_t length;
  };
  for (const Case& c : {Case{"A: b", false, 0},
                        {"Content-Length: 7", false, 7},
                        {"content-length:007", false, 7},
                        {"Transfer-Encoding: chunked", true, 0},
                        {"TRANSFER-ENCODING:\tChunked \t", true, 0}}) {
    const std::string bytes = with(c.lines);
    const Result<Head> head = parse_head(bytes);
    ASSERT_TRUE(head.ok()) << c.lines << ": " << head.error().message;
    EXPECT_EQ(head.value().chunked, c.chunked) << c.lines;
    EXPECT_EQ(head.value().length, c.length) << c.lines;
  }
}

// Each of these is read in two ways by two programs somewhere.
const std::pair<std::string, const char*> kAmbiguous[] = {
    {with("Transfer-Encoding: gzip"), "\"chunked\", once and alone"},
    {with("Transfer-Encoding: gzip, chunked"), "\"chunked\", once and alone"},
    {with("Transfer-Encoding: chunked, identity"), "\"chunked\", once and alone"},
    {with("Transfer-Encoding: chunked, chunked"), "\"chunked\", once and alone"},
    {with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"), "\"chunked\", once and alone"},
    {with("Transfer-Encoding: identity"), "\"chunked\", once and alone"},
    {with("Transfer-Encoding: xchunked"), "\"chunked\", once and alone"},
    {with("Transfer-Encoding: \"chunked\""), "\"chunked\", once and alone"},
    {with("Transfer-Encoding: chunked;q=1"), "\"chunked\", once and alone"},
    {with("Transfer-Encoding: chun\x80ked"), "\"chunked\", once and alone"},
    {with("Transfer-Encoding:"), "\"chunked\", once and alone"},
    {with("Transfer-Encoding:\x0b"
          "chunked"),
     "control character"},
    {with("Transfer-Encoding : chunked"), "blank stands before its colon"},
    {with("Transfer-Encoding\t: chunked"), "blank stands before its colon"},
    {with("Transfer_Encoding: chunked\r\nTransfer-Encoding\x80: chunked"), "not a word"},
    {with("Content-Length: 3\r\nTransfer-Encoding: chunked"), "together with Content-Length"},
    {with("Transfer-Encoding: chunked\r\nContent-Length: 0"), "together with Content-Length"},
    {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.0"},
    {with("Content-Length: 3\r\nContent-Length: 3"), "more than one Content-Length"},
    {with("Content-Length: 3\r\nContent-Length: 4"), "more than one Content-Length"},
    {with("Content-Length: 3, 3"), "expected a number"},
    {with("Content-Length: -3"), "expected a number"},
    {with("Content-Length: +3"), "expected a number"},
    {with("Content-Length: 0x3"), "expected a number"},
    {with("Content-Length: 3 4"), "expected a number"},
    {with("Content-Length: 3."), "expected a number"},
    {with("Content-Length: 1_0"), "expected a number"},
    {with("Content-Length:"), "expected a number"},
    {with("Content-Length: 18446744073709551616"), "expected a number"},
    {with("Content-Length: \xD9\xA3"), "expected a number"},
    {with("A: b\r\n c"), "folded"},
    {with("A: b\r\n\tTransfer-Encoding: chunked"), "folded"},
    {"POST / HTTP/1.1\r\n Host: x\r\n\r\n", "folded"},
    {with("A: b\nTransfer-Encoding: chunked"), "line feed without"},
    {with("A: b\rTransfer-Encoding: chunked"), "carriage return without"},
    {with("A: b\r\r\nB: c"), "carriage return without"},
    {"GET / HTTP/1.1\nHost: x\n\n", "line feed without"},
    {with(std::string("A: b\0c", 6)), "control character"},
    {with(std::string("A\0: b", 5)), "control character"},
    {with("A: b\x7f"), "control character"},
    {with("A: b\x1b[31m"), "control character"},
    {with("no colon"), "without a colon"},
    {with(": value"), "not a word"},
    {with("B@d: x"), "not a word"},
    {with("(comment): x"), "not a word"},
    {with("N\xC3\xA4me: x"), "not a word"},
    {"GET / HTTP/1.1\r\n\r\n", "expected a Host"},
    {"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "more than one Host"},
    {"GET / HTTP/1.0\r\nHost: a\r\nhost: b\r\n\r\n", "more than one Host"},
    {"GET / HTTP/1.1\r\nHost: user@a\r\n\r\n", "host \"user@a\""},
    {"GET http://user@a/ HTTP/1.1\r\nHost: a\r\n\r\n", "host \"user@a\""},
    {"GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", "without a host"},
    {"GET ftp://a/x HTTP/1.1\r\nHost: a\r\n\r\n", "scheme http or https"},
    {"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", "blank in the request target"},
    {"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", "blank in the request target"},
    {"GET /\r\nHost: a\r\n\r\n", "expected METHOD TARGET"},
    {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", "HTTP/1.1 or HTTP/1.0"},
    {"GET / http/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 or HTTP/1.0"},
    {"GET / HTTP/1.1 \r\nHost: a\r\n\r\n", "blank in the request target"},
    {"GET / HTTP/1.10\r\nHost: a\r\n\r\n", "HTTP/1.1 or HTTP/1.0"},
    {"G@T / HTTP/1.1\r\nHost: a\r\n\r\n", "method is not a word"},
    {"GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", "fragment"},
    {"GET a/b HTTP/1.1\r\nHost: a\r\n\r\n", "begins with '/'"},
    {"CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", "begins with '/'"},
    {std::string("\x16\x03\x01\x02\x00\x01", 6), "control character"},  // TLS
};

TEST(Head, RefusesWhatAnotherMayReadOtherwise) {
  for (const auto& [bytes, expected] : kAmbiguous)
    EXPECT_NE(complaint(bytes).find(expected), std::string::npos)
        << bytes << "\nexpected: " << expected << "\ngot: " << complaint(bytes);
}

TEST(Head, TakesWhatIsHonest) {
  for (const char* bytes :
       {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "GET / HTTP/1.0\r\n\r\n", "\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost:\r\n\r\n", "GET / HTTP/1.2\r\nHost: x\r\nA: \xC3\xA4\r\nB:\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", "GET http://y:1/z?q HTTP/1.1\r\nHost: x\r\n\r\n",
        "BREW /?a#  HTTP/1.1"})
    if (const std::string got = complaint(bytes); std::string_view(bytes).ends_with("\r\n\r\n")) {
      EXPECT_EQ(got, "") << bytes;
    } else {
      EXPECT_EQ(got, "more") << bytes;
    }
}

TEST(Head, ScansEachByteOnceHoweverItArrives) {
  const std::string bytes = with("A: b\r\nContent-Length: 4") + "rest";
  for (size_t step : {1, 2, 3, 7, 1000}) {
    HeadScanner scanner(100);
    size_t size = 0;
    for (size_t end = step; size == 0; end += step) size = scanner.scan(std::string_view(bytes).substr(0, end)).value();
    EXPECT_EQ(bytes.substr(size), "rest") << step;
  }
}

TEST(Head, LimitsTheNumberOfFields) {
  std::string fields;
  for (int i = 0; i < 5; ++i) fields += "A: b\r\n";
  const std::string bytes = "GET / HTTP/1.1\r\n" + fields + "\r\n";
  EXPECT_TRUE(HeadScanner(5).scan(bytes).ok());
  const Result<size_t> more = HeadScanner(4).scan(bytes);
  ASSERT_FALSE(more.ok());
  EXPECT_EQ(more.error().code, ErrorCode::kExhausted);
}

TEST(Head, ConnectionAndTheTargetsHost) {
  const auto head = [](std::string_view bytes) { return parse_head(bytes).value(); };
  EXPECT_TRUE(head("GET / HTTP/1.1\r\nHost: x\r\n\r\n").keep_alive);
  EXPECT_FALSE(head("GET / HTTP/1.1\r\nHost: x\r\nConnection: te , CLOSE\r\n\r\n").keep_alive);
  EXPECT_FALSE(head("GET / HTTP/1.0\r\n\r\n").keep_alive);
  EXPECT_TRUE(head("GET / HTTP/1.2\r\nHost: x\r\n\r\n").keep_alive) << "what comes after 1.1 can what 1.1 can";
  EXPECT_TRUE(head("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").keep_alive);
  EXPECT_EQ(head("GET http://y:1/z HTTP/1.1\r\nHost: x\r\n\r\n").request.authority, "y:1");
  EXPECT_EQ(head("GET https://y?q=1 HTTP/1.1\r\nHost: x\r\n\r\n").request.path, "/");
  EXPECT_EQ(head("GET / HTTP/1.1\r\nHost: x:2\r\n\r\n").request.authority, "x:2");
  EXPECT_FALSE(head("GET / HTTP/1.0\r\n\r\n").request.authority);
}

struct Decoded {
  std::string body, error, rest;
};

Decoded decode(std::string_view bytes, size_t step, uint64_t max_body = 1000, uint64_t max_extra = 20) {
  ChunkDecoder decoder(max_body, max_extra);
  Decoded decoded;
  size_t at = 0;
  while (at < bytes.size() && !decoder.done()) {
    const Result<size_t> taken = decoder.feed(bytes.substr(at, step), decoded.body);
    if (!taken) decoded.error = taken.error().message;
    if (!taken) return decoded;
    at += taken.value();
  }
  decoded.rest = decoder.done() ? bytes.substr(at) : "(more)";
  return decoded;
}

TEST(Chunks, AreDecodedHoweverTheyArrive) {
  for (size_t step : {1, 2, 5, 1000}) {
    const Decoded got = decode("3\r\nabc\r\n0A;name=v\r\n0123456789\r\n000\r\nTrailer: x\r\n\r\nNEXT", step);
    EXPECT_EQ(got.error, "");
    EXPECT_EQ(got.body, "abc0123456789");
    EXPECT_EQ(got.rest, "NEXT");
  }
}

TEST(Chunks, RefuseWhatAnotherMayReadOtherwise) {
  const std::pair<const char*, const char*> cases[] = {
      {"zz\r\n", "hexadecimal digits"},
      {"\r\n", "hexadecimal digits"},
      {"-1\r\n", "hexadecimal digits"},
      {"+1\r\n", "hexadecimal digits"},
      {" 1\r\n", "hexadecimal digits"},
      {"0x1\r\n", "unexpected byte"},
      {"1_0\r\n", "unexpected byte"},
      {"1,\r\n", "unexpected byte"},
      {"1\na\n0\n\n", "unexpected byte"},
      {"1\ra", "CR LF"},
      {"1\r\nab\r\n", "CR LF"},
      {"1\r\na\n0\r\n\r\n", "CR LF"},
      {"1\r\na\r0\r\n\r\n", "CR LF"},
      {"1;a\nb\r\na\r\n0\r\n\r\n", "control character"},  // the extension ends at its LF for some
      {"1;a\rb\r\na\r\n0\r\n\r\n", "CR LF"},
      {"0\r\nXX", "without a colon"},
      {"0\r\nX\r\n\r\n", "without a colon"},
      {"0\r\nA: b\nGET / HTTP/1.1\r\n\r\n", "control character"},
      {"0\r\n folded\r\n\r\n", "begin with a name"},
      {"0\r\n: x\r\n\r\n", "begin with a name"},
      {"0\r\nA b: x\r\n\r\n", "not a word"},
      {"0\r\n\rX", "CR LF"},
      {"00000000000000001\r\n", "16 digits"},
      {"FFFFFFFFFFFFFFFF\r\n", "longer than 1000"},
      {"3e9\r\n", "longer than 1000"},
      {"1;012345678901234567890\r\n", "more than 20 bytes"},
      {"1;0123456789\r\na\r\n1;0123456789\r\n", "more than 20 bytes"},
      {"0\r\nA: 012345678901234567890\r\n", "more than 20 bytes"},
      {"0\r\nA: 0123456\r\nB: 0123456\r\nC: 1\r\n", "more than 20 bytes"},
  };
  for (const auto& [bytes, expected] : cases)
    for (size_t step : {1, 1000}) {
      std::string error = decode(bytes, step).error;
      if (std::string_view(bytes) == "0\r\nXX") error = decode(std::string(bytes) + "\r\n", step).error;
      EXPECT_NE(error.find(expected), std::string::npos) << bytes << "\nexpected " << expected << ", got " << error;
    }
}

TEST(Chunks, CountAllDataTogether) {
  std::string many;
  for (int i = 0; i < 1001; ++i) many += "1\r\nx\r\n";
  EXPECT_NE(decode(many, 64).error.find("longer than 1000"), std::string::npos);
}

}  // namespace
}  // namespace maru::http
