#include "formats/safetensors.h"

#include <gmock/gmock.h>

#include <array>
#include <cstring>

namespace maru::formats {
namespace {

std::string file_of(const std::string& header, size_t data_bytes) {
  const uint64_t size = header.size();
  return std::string(reinterpret_cast<const char*>(&size), 8) + header + std::string(data_bytes, 'x');
}

std::string error_of(const std::string& bytes) {
  const auto result = SafetensorsFile::parse(std::as_bytes(std::span(bytes)), "m.safetensors");
  return result.ok() ? "no error" : result.error().message;
}

std::string tensor(const std::string& shape, const std::string& offsets, const std::string& dtype = "F32") {
  return R"({"w":{"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}}";
}

TEST(Safetensors, RoundTrips) {
  const fs::path path = fs::temp_directory_path() / ("maru_st_" + std::to_string(::getpid()));
  const std::array<float, 6> a{1, 2, 3, 4, 5, 6};
  const std::array<uint16_t, 2> b{7, 8};
  write_safetensors(
      path, {{"a", "F32", {2, 3}, std::as_bytes(std::span(a))}, {"b", "BF16", {2}, std::as_bytes(std::span(b))}},
      {{"format", "pt"}});
  SafetensorsFile file = SafetensorsFile::open(path).value();
  EXPECT_THAT(file.entries().at("a").shape, testing::ElementsAre(2, 3));
  EXPECT_EQ(0, std::memcmp(a.data(), file.entries().at("a").bytes.data(), sizeof a));
  EXPECT_EQ(0, std::memcmp(b.data(), file.entries().at("b").bytes.data(), sizeof b));
  EXPECT_EQ(0u, reinterpret_cast<uintptr_t>(file.entries().at("a").bytes.data()) % 64);
  EXPECT_EQ("pt", file.metadata().at("format"));
  fs::remove(path);
}

TEST(Safetensors, RefusesHeadersThatLie) {
  EXPECT_EQ("no error", error_of(file_of(tensor("[2,3]", "[0,24]"), 24)));
  EXPECT_THAT(error_of("abc"), testing::HasSubstr("too short"));
  EXPECT_THAT(error_of(file_of("{}", 0).substr(0, 9)),
              testing::HasSubstr("header claims 2 bytes at offset 8, the file has 1"));
  EXPECT_THAT(error_of(std::string(8, '\xff') + "{}"), testing::HasSubstr("header claims"));
  EXPECT_THAT(error_of(file_of("{not json", 0)), testing::HasSubstr("header is not JSON"));
  EXPECT_THAT(error_of(file_of(tensor("[2,3]", "[0,24]"), 20)), testing::HasSubstr("outside the file's 20 data bytes"));
  EXPECT_THAT(error_of(file_of(tensor("[2,3]", "[0,20]"), 24)), testing::HasSubstr("holds 20 bytes, expected 24"));
  EXPECT_THAT(error_of(file_of(tensor("[4294967296,4294967296,16]", "[0,24]"), 24)),
              testing::HasSubstr("shape: expected up to 8 sizes, of fewer than 2^64 bytes together, got [429"));
  EXPECT_THAT(error_of(file_of(tensor("[-2,3]", "[0,24]"), 24)), testing::HasSubstr("shape: expected up to 8 sizes"));
  EXPECT_THAT(error_of(file_of(tensor("[2,3]", "[24,0]"), 24)), testing::HasSubstr("lie outside"));
  EXPECT_THAT(error_of(file_of(tensor("[2,3]", "[0,24]", "Q9"), 24)),
              testing::HasSubstr("dtype: expected a dtype of the format, got \"Q9\""));
  EXPECT_THAT(error_of(file_of(tensor("[2,3]", "[0,24]"), 30)), testing::HasSubstr("6 bytes behind the last tensor"));
  EXPECT_THAT(error_of(file_of(tensor("[2,3]", "[4,28]"), 28)), testing::HasSubstr("gap or overlap"));
}

}  // namespace
}  // namespace maru::formats
