#include "http/tls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/test_tls.h"

namespace maru::http {
namespace {

using testing::HasSubstr;

class TlsTest : public testing::Test {
 protected:
  std::shared_ptr<const TlsIdentity> identity(bool with_clients = false) {
    return std::make_shared<const TlsIdentity>(
        TlsFiles{.certificate = files_.folder / "certificate.pem",
                 .key = files_.folder / "key.pem",
                 .client_ca = with_clients ? files_.folder / "ca.pem" : fs::path()});
  }
  std::string error() {
    try {
      identity();
    } catch (const Failure& failure) {
      return failure.what();
    }
    return "";
  }
  /// Lets both talk until neither has anything to say; false once either gives up.
  bool talk(TestTlsClient& client, TlsSession& server, std::string* plain = nullptr) {
    bool good = client.ready() || client.hear("");
    for (int i = 0; i < 20; ++i) {
      std::string wire, said;
      const std::string from_client = client.take();
      if (from_client.empty()) break;
      good &= server.receive(from_client, said, wire);
      if (plain != nullptr) *plain += said;
      good &= client.hear(wire);
    }
    return good;
  }
  std::string path(const char* name) const { return (files_.folder / name).string(); }
  TestIdentity files_{fs::temp_directory_path() / ("maru_tls_" + std::to_string(::getpid()))};
};

TEST_F(TlsTest, SpeaksBothVersions) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsSession server(identity());
    TestTlsClient client(files_.ca, nullptr, version);
    ASSERT_TRUE(talk(client, server)) << version;
    ASSERT_TRUE(server.established());
    client.say("question");
    std::string plain, wire;
    ASSERT_TRUE(server.receive(client.take(), plain, wire));
    EXPECT_EQ("question", plain);
    const std::string answer(100'000, 'a');
    ASSERT_TRUE(server.send(answer, wire));
    EXPECT_EQ(std::string::npos, wire.find("aaaaaaaa"));
    client.hear(wire);
    EXPECT_EQ(answer, client.heard());
    wire.clear();
    server.close(wire);
    client.hear(wire);
    EXPECT_EQ("", client.heard());
    EXPECT_EQ(SSL_RECEIVED_SHUTDOWN, SSL_get_shutdown(client.ssl()) & SSL_RECEIVED_SHUTDOWN);
    SSL_shutdown(client.ssl());
    plain.clear();
    EXPECT_TRUE(server.receive(client.take(), plain, wire));
    EXPECT_TRUE(server.closed());
  }
}

TEST_F(TlsTest, BytesMayComeOneByOne) {
  TlsSession server(identity());
  TestTlsClient client(files_.ca);
  client.hear("");
  std::string plain;
  for (std::string wire; !server.established() || !client.ready(); wire.clear()) {
    const std::string from_client = client.take();
    ASSERT_FALSE(from_client.empty());
    for (char byte : from_client) ASSERT_TRUE(server.receive({&byte, 1}, plain, wire));
    client.hear(wire);
  }
  client.say("x");
  std::string wire;
  for (char byte : client.take()) ASSERT_TRUE(server.receive({&byte, 1}, plain, wire));
  EXPECT_EQ("x", plain);
}

TEST_F(TlsTest, OldVersionsAreRefused) {
  for (const int version : {TLS1_VERSION, TLS1_1_VERSION}) {
    TlsSession server(identity());
    TestTlsClient client(files_.ca, nullptr, version);
    EXPECT_FALSE(talk(client, server)) << version;
    EXPECT_FALSE(server.established());
  }
}

TEST_F(TlsTest, NoRenegotiation) {
  TlsSession server(identity());
  TestTlsClient client(files_.ca, nullptr, TLS1_2_VERSION);
  ASSERT_TRUE(talk(client, server));
  SSL_clear_options(client.ssl(), SSL_OP_NO_RENEGOTIATION);
  ASSERT_EQ(1, SSL_renegotiate(client.ssl()));
  SSL_do_handshake(client.ssl());
  std::string plain, wire;
  server.receive(client.take(), plain, wire);
  EXPECT_TRUE(server.established());
  EXPECT_LT(wire.size(), 100u) << "an alert, not a handshake";
  EXPECT_TRUE(server.send("goes on", wire));
}

// The next bytes of a client must not decide whether this process lives.
TEST_F(TlsTest, KeysMayBeChangedWhileItRuns) {
  TlsSession server(identity());
  TestTlsClient client(files_.ca, nullptr, TLS1_3_VERSION);
  ASSERT_TRUE(talk(client, server));
  for (int i = 0; i < 5; ++i) {
    SSL_key_update(client.ssl(), SSL_KEY_UPDATE_REQUESTED);
    client.say("a");
    const std::string came = client.take();
    std::string plain, wire;
    ASSERT_TRUE(server.receive(came.substr(0, 7), plain, wire));
    server.send("in between", wire);
    ASSERT_TRUE(server.receive(came.substr(7), plain, wire));
    EXPECT_EQ("a", plain);
    ASSERT_TRUE(server.send("b", wire));
    client.hear(wire);
    EXPECT_EQ("in betweenb", client.heard());
  }
}

TEST_F(TlsTest, GarbageEndsIt) {
  for (const std::string& bytes :
       {std::string(1000, '\0'), std::string("\x16\x03\x01\xff\xff", 5) + std::string(5000, 'x'),
        std::string("\x16\x03\x01\x00\x05hello", 10), std::string("\x80\x2e\x01\x00\x02", 5) + std::string(41, '\1'),
        std::string("SSH-2.0-OpenSSH_9\r\n"), std::string("\x15\x03\x01\x00\x02\x02\x28", 7)}) {
    TlsSession server(identity());
    std::string plain, wire;
    bool good = server.receive(bytes, plain, wire);
    for (int i = 0; good && i < 20; ++i) good = server.receive(std::string(16 << 10, 'y'), plain, wire);
    EXPECT_FALSE(good) << bytes.substr(0, 20);
    EXPECT_EQ("", plain);
    EXPECT_FALSE(server.established());
  }
  TlsSession server(identity());
  TestTlsClient client(files_.ca);
  ASSERT_TRUE(talk(client, server));
  client.say("question");
  std::string wire = client.take(), plain, out;
  wire.back() ^= 1;
  EXPECT_FALSE(server.receive(wire, plain, out)) << "a record that was touched";
  EXPECT_EQ("", plain);
}

TEST_F(TlsTest, ClientsMayNeedACertificate) {
  const TestCertificate known("client", &files_.ca), other_ca("stranger"), unknown("client", &other_ca);
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION})
    for (const auto& [own, expected] : {std::pair(&known, true), {&unknown, false}, {nullptr, false}}) {
      TlsSession server(identity(true));
      TestTlsClient client(files_.ca, own, version);
      std::string plain;
      talk(client, server);
      client.say("secret question");
      std::string wire;
      server.receive(client.take(), plain, wire);
      EXPECT_EQ(expected, server.established()) << version;
      EXPECT_EQ(expected, plain == "secret question");
    }
}

TEST_F(TlsTest, OnlyHttp11IsSpoken) {
  const auto protocols = [&](const std::string& offered) {
    TlsSession server(identity());
    TestTlsClient client(files_.ca);
    SSL_set_alpn_protos(client.ssl(), reinterpret_cast<const unsigned char*>(offered.data()),
                        static_cast<unsigned>(offered.size()));
    const bool good = talk(client, server);
    const unsigned char* chosen = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(client.ssl(), &chosen, &size);
    return good ? std::string(reinterpret_cast<const char*>(chosen), size) : "refused";
  };
  EXPECT_EQ("http/1.1", protocols(std::string("\x02h2\x08http/1.1")));
  EXPECT_EQ("refused", protocols(std::string("\x02h2")));
}

TEST_F(TlsTest, SaysWhatIsWrongWithAFile) {
  EXPECT_EQ("", error());
  const TestCertificate other("other");
  write_file(path("key.pem"), other.key_pem());
  EXPECT_EQ(path("key.pem") + ": is not the key of the certificate in " + path("certificate.pem"), error());
  write_file(path("key.pem"), other.key_pem("passphrase"));
  EXPECT_THAT(error(), HasSubstr(path("key.pem") + ": expected a private key in PEM, without a passphrase"));
  write_file(path("key.pem"), "");
  EXPECT_THAT(error(), HasSubstr(path("key.pem") + ": expected a private key in PEM"));
  fs::remove(path("key.pem"));
  EXPECT_THAT(error(), HasSubstr(path("key.pem")));
  files_.install(TestCertificate("server", &files_.ca));
  write_file(path("certificate.pem"), other.key_pem());
  EXPECT_THAT(error(), HasSubstr(path("certificate.pem") + ": expected a certificate in PEM"));
  EXPECT_THROW(TlsSession(std::make_shared<const TlsIdentity>(TlsFiles{.certificate = "/nowhere", .key = "/nowhere"})),
               Failure);
  files_.install(TestCertificate("server", &files_.ca));
  write_file(path("ca.pem"), "nothing");
  EXPECT_THROW(identity(true), Failure);
}

}  // namespace
}  // namespace maru::http
