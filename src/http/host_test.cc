#include "http/host.h"

#include <gtest/gtest.h>

namespace maru::http {
namespace {

TEST(OwnOrigin, HasTheSchemeThatIsSpoken) {
  EXPECT_TRUE(is_own_origin("https://ai.example", "ai.example:443", true));
  EXPECT_TRUE(is_own_origin("https://ai.example:8000", "ai.example:8000", true));
  EXPECT_FALSE(is_own_origin("http://ai.example", "ai.example", true));
  EXPECT_FALSE(is_own_origin("https://ai.example", "ai.example", false));
  EXPECT_FALSE(is_own_origin("https://ai.example", "ai.example:80", true));
}

TEST(HostRule, OnLoopback) {
  const HostRule rule("127.0.0.1", {"maru.example", "MIXED.Example."});
  const HostRule second("127.0.0.2", {});
  for (const char* host :
       {"localhost", "localhost:8000", "LocalHost:1", "localhost.", "localhost.:8000", "localhost:", "localhost:0",
        "localhost:65535", "127.0.0.1", "127.0.0.1:80", "[::1]", "[::1]:8000", "[::1]:", "[0:0:0:0:0:0:0:1]",
        "[0000::0001]:9", "maru.example", "MARU.EXAMPLE:443", "maru.example.", "mixed.example"})
    EXPECT_TRUE(rule.admits(host)) << host;
  // Names that an attacker can let point here, and other spellings of addresses of this machine.
  for (const char* host : {"evil.example",
                           "evil.example:8000",
                           "localhost.evil.example",
                           "localhost.evil.example:8000",
                           "notlocalhost",
                           "localhost-",
                           "xlocalhost",
                           "127.0.0.1.evil.example",
                           "127.0.0.1.nip.io",
                           "127.0.0.2",
                           "127.1",
                           "127.0.1",
                           "2130706433",
                           "0x7f000001",
                           "0x7f.0.0.1",
                           "0177.0.0.1",
                           "127.0.0.01",
                           "0.0.0.0",
                           "0",
                           "[::]",
                           "[::ffff:127.0.0.1]",
                           "[::2]",
                           "[fe80::1]",
                           "[::127.0.0.1]",
                           "maru.example.evil.example",
                           "sub.maru.example",
                           "xn--lcalhost-54a",
                           "ip6-localhost",
                           "localhost.localdomain",
                           "192.168.0.1",
                           ""})
    EXPECT_FALSE(rule.admits(host)) << host;
  EXPECT_TRUE(rule.admits(std::nullopt)) << "HTTP/1.0 has no Host, and browsers do not speak it";
  EXPECT_TRUE(second.admits("127.0.0.2:8000"));
  EXPECT_FALSE(second.admits("127.0.0.3"));
}

TEST(HostRule, BeyondLoopback) {
  const HostRule any("0.0.0.0", {}), named("0.0.0.0", {"ai.example.org"});
  for (const char* host : {"ai.example.org", "10.0.0.7:8000", "whatever", "0.0.0.0", ""}) EXPECT_TRUE(any.admits(host));
  for (const char* host : {"ai.example.org:443", "localhost:8000", "[::1]"}) EXPECT_TRUE(named.admits(host)) << host;
  for (const char* host : {"10.0.0.7:8000", "whatever", "0.0.0.0", ""}) EXPECT_FALSE(named.admits(host)) << host;
}

TEST(HostRule, RefusesNamesThatAreNone) {
  for (const char* name : {"", "a b", "http://a", "a:80", "*", "*.example.org", "user@a", "[::1"})
    EXPECT_THROW(HostRule("127.0.0.1", {name}), Failure) << name;
}

TEST(Authority, RefusesWhatIsNone) {
  for (const char* text : {"localhost:99999",
                           "localhost:65536",
                           "..",
                           ".",
                           ".localhost",
                           "localhost..",
                           "a..b:80",
                           "localhost:-1",
                           "localhost:+80",
                           "localhost:8e3",
                           "localhost:0x50",
                           "localhost: 80",
                           "localhost:80.evil.example",
                           "localhost:evil.example",
                           "localhost:\xD9\xA8\xD9\xA0",
                           "127.0.0.1\xEF\xBC\x9A"
                           "8000",
                           "user@localhost",
                           "user:pw@localhost",
                           "localhost@evil.example",
                           "localhost,evil.example",
                           "localhost evil",
                           "localhost/evil",
                           "localhost\\evil",
                           "localhost?x",
                           "localhost#x",
                           "%6cocalhost",
                           "l\xC3\xB6"
                           "calhost",
                           "\xE2\x93\x9B"
                           "ocalhost",
                           "::1",
                           "::1:8000",
                           "[::1",
                           "[::1]x",
                           "[::1]8000",
                           "[[::1]]",
                           "[::1%lo]",
                           "[::1%25lo]:80",
                           "[fe80::1%25eth0]",
                           "[127.0.0.1]",
                           "[evil.example]",
                           "[]",
                           "[::1]:x",
                           ":80",
                           "a:1:2"})
    EXPECT_FALSE(parse_authority(text).ok()) << text;
  EXPECT_FALSE(parse_authority(std::string(256, 'a')).ok());
}

TEST(Origin, OursIsTheSameSchemeHostAndPort) {
  struct Case {
    const char *origin, *host;
    bool ours;
  };
  for (const Case& c : {
           Case{"http://localhost:8000", "localhost:8000", true},
           {"HTTP://LOCALHOST:8000", "localhost:8000", true},
           {"http://localhost", "localhost", true},
           {"http://localhost:80", "localhost", true},
           {"http://localhost", "localhost:80", true},
           {"http://[::1]:8000", "[::1]:8000", true},
           {"http://[::1]:8000", "[0:0:0:0:0:0:0:1]:8000", true},
           {"http://ai.example.org", "ai.example.org.", true},
           {"https://localhost:8000", "localhost:8000", false},
           {"http://localhost:8001", "localhost:8000", false},
           {"http://localhost", "localhost:8000", false},
           {"http://127.0.0.1:8000", "localhost:8000", false},
           {"http://evil.example", "localhost:8000", false},
           {"http://localhost:8000.evil.example", "localhost:8000", false},
           {"http://localhost.evil.example:8000", "localhost:8000", false},
           {"http://evil.example@localhost:8000", "localhost:8000", false},
           {"http://localhost:8000/", "localhost:8000", false},
           {"http://localhost:8000 http://evil.example", "localhost:8000", false},
           {"null", "localhost:8000", false},
           {"null", "null", false},
           {"", "localhost:8000", false},
           {"http://", "", false},
           {"file://", "localhost", false},
           {"chrome-extension://abcdef", "abcdef", false},
           {"localhost:8000", "localhost:8000", false},
       })
    EXPECT_EQ(is_own_origin(c.origin, c.host), c.ours) << c.origin << " for " << c.host;
  EXPECT_FALSE(is_own_origin("http://localhost", std::nullopt));
}

}  // namespace
}  // namespace maru::http
