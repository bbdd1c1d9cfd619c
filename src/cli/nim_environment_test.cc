#include "cli/nim_environment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "api/server.h"

namespace maru::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

NimSettings settings_of(const std::map<std::string, std::string>& variables) {
  return nim_settings([&](const char* name) {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
}

std::string error_of(const std::map<std::string, std::string>& variables) {
  try {
    settings_of(variables);
  } catch (const Failure& failure) {
    return failure.what();
  }
  return "";
}

TEST(NimEnvironment, IsOptionsOfTheServer) {
  const NimSettings settings = settings_of({{"NIM_SERVER_PORT", "9000"},
                                            {"NIM_SSL_MODE", "MTLS"},
                                            {"NIM_SSL_CERTS_PATH", "/c.pem"},
                                            {"NIM_SSL_KEY_PATH", "/k.pem"},
                                            {"NIM_SSL_CA_CERTS_PATH", "/ca.pem"},
                                            {"NIM_CORS_ALLOW_ORIGINS", "https://a.example,https://b.example"},
                                            {"NIM_ENABLE_KV_CACHE_REUSE", "0"}});
  EXPECT_TRUE(settings.warnings.empty());
  const auto config = from_json<api::ServeConfig>(settings.config, "environment");
  EXPECT_EQ(9000, config.http.port);
  EXPECT_EQ("/c.pem", config.http.tls_certificate);
  EXPECT_EQ("/k.pem", config.http.tls_key);
  EXPECT_EQ("/ca.pem", config.http.tls_client_ca);
  EXPECT_THAT(config.cors_origins, ElementsAre("https://a.example", "https://b.example"));
  EXPECT_FALSE(config.prefix_cache);
}

TEST(NimEnvironment, SaysWhatDoesNothing) {
  EXPECT_TRUE(settings_of({}).config.empty());
  const NimSettings settings = settings_of({{"NGC_API_KEY", "secret-of-somebody"},
                                            {"NIM_TENSOR_PARALLEL_SIZE", "8"},
                                            {"NIM_SSL_CERTS_PATH", "/c.pem"},
                                            {"NIM_MODEL_PATH", ""}});
  EXPECT_TRUE(settings.config.empty());
  ASSERT_EQ(3u, settings.warnings.size());
  EXPECT_THAT(settings.warnings[0], HasSubstr("NIM_SSL_CERTS_PATH does nothing while NIM_SSL_MODE is"));
  EXPECT_THAT(settings.warnings[1], HasSubstr("NGC_API_KEY"));
  for (const std::string& warning : settings.warnings) EXPECT_EQ(std::string::npos, warning.find("secret-of"));
}

TEST(NimEnvironment, TlsWithoutClientsCertificates) {
  const NimSettings settings = settings_of({{"NIM_SSL_MODE", "TLS"},
                                            {"NIM_SSL_CERTS_PATH", "/c.pem"},
                                            {"NIM_SSL_KEY_PATH", "/k.pem"},
                                            {"NIM_SSL_CA_CERTS_PATH", "/ca.pem"}});
  EXPECT_FALSE(settings.config["http"].contains("tls_client_ca"));
  EXPECT_THAT(settings.warnings, ElementsAre(HasSubstr("NIM_SSL_CA_CERTS_PATH")));
}

TEST(NimEnvironment, RefusesWhatCannotBe) {
  EXPECT_EQ("NIM_SERVER_PORT: expected a whole number", error_of({{"NIM_SERVER_PORT", "80a"}}));
  EXPECT_EQ("NIM_ENABLE_KV_CACHE_REUSE: expected 1, 0, true or false", error_of({{"NIM_ENABLE_KV_CACHE_REUSE", "2"}}));
  EXPECT_EQ("NIM_SSL_MODE: expected disabled, tls or mtls",
            error_of({{"NIM_SSL_MODE", "on"}, {"NIM_SSL_KEY_PATH", "/k"}}));
}

}  // namespace
}  // namespace maru::cli
