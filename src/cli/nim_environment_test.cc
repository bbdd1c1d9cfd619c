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

TEST(NimEnvironment, TracesGoWhereTheyAreToldToOnceTheyAreAskedFor) {
  using Variables = std::map<std::string, std::string>;
  const auto with = [](const Variables& more) {
    Variables all{{"NIM_OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318"}};
    all.insert(more.begin(), more.end());
    return settings_of(all);
  };
  for (const Variables& on : {Variables{{"NIM_ENABLE_OTEL", "1"}},
                              Variables{{"NIM_ENABLE_OTEL", "true"}, {"NIM_OTEL_TRACES_EXPORTER", "otlp"}}}) {
    const NimSettings settings = with(on);
    EXPECT_TRUE(settings.warnings.empty());
    EXPECT_EQ("http://127.0.0.1:4318", from_json<api::ServeConfig>(settings.config, "environment").traces_endpoint);
  }
  for (const auto& [off, why] : std::vector<std::pair<Variables, const char*>>{
           {{}, "does nothing without NIM_ENABLE_OTEL=1"},
           {{{"NIM_ENABLE_OTEL", "0"}}, "does nothing without NIM_ENABLE_OTEL=1"},
           {{{"NIM_ENABLE_OTEL", "1"}, {"NIM_OTEL_TRACES_EXPORTER", "console"}},
            "NIM_OTEL_TRACES_EXPORTER is \"console\""},
           {{{"NIM_ENABLE_OTEL", "1"}, {"NIM_OTEL_TRACES_EXPORTER", "none"}},
            "NIM_OTEL_TRACES_EXPORTER is \"none\""}}) {
    const NimSettings settings = with(off);
    EXPECT_TRUE(settings.config.empty()) << settings.config;
    EXPECT_THAT(settings.warnings, ElementsAre(HasSubstr(why)));
  }
  EXPECT_THAT(settings_of({{"NIM_ENABLE_OTEL", "1"}}).warnings, ElementsAre(HasSubstr("sends nothing without")));
  EXPECT_TRUE(settings_of({{"NIM_ENABLE_OTEL", "0"}}).warnings.empty());
  EXPECT_THAT(error_of({{"NIM_ENABLE_OTEL", "on"}}), HasSubstr("NIM_ENABLE_OTEL: expected"));
  EXPECT_THAT(error_of({{"NIM_OTEL_EXPORTER_OTLP_ENDPOINT", "http://a"}, {"NIM_OTEL_TRACES_EXPORTER", "jaeger"}}),
              HasSubstr("NIM_OTEL_TRACES_EXPORTER: expected"));
  const auto url = [](const char* base) -> Json {
    return settings_of({{"NIM_ENABLE_OTEL", "1"}, {"NIM_OTEL_EXPORTER_OTLP_ENDPOINT", base}}).config["traces_endpoint"];
  };
  EXPECT_EQ("http://c:4318", url("http://c:4318/"));
  EXPECT_EQ("http://c:4318/otlp/v1/traces", url("http://c:4318/otlp/")) << "it is the base of all signals";
  EXPECT_EQ("no url", url("no url")) << "the server says what is wrong with it";
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
