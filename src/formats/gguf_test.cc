#include "formats/gguf.h"

#include <gmock/gmock.h>

#include <array>
#include <cstring>

#include "formats/gguf_writer.h"

namespace maru::formats {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Spells a file byte by byte, so that lies can be told.
class Spelling {
 public:
  Spelling& u8(uint8_t x) { return put(x); }
  Spelling& u32(uint32_t x) { return put(x); }
  Spelling& u64(uint64_t x) { return put(x); }
  Spelling& raw(const std::string& s) { return bytes_ += s, *this; }
  Spelling& text(const std::string& s) { return u64(s.size()).raw(s); }
  Spelling& pad() { return bytes_.resize((bytes_.size() + 31) / 32 * 32), *this; }
  operator const std::string&() const { return bytes_; }

 private:
  template <class T>
  Spelling& put(T x) {
    bytes_.append(reinterpret_cast<const char*>(&x), sizeof x);
    return *this;
  }
  std::string bytes_;
};

Spelling head(uint64_t tensors, uint64_t entries, uint32_t version = 3) {
  return Spelling().raw("GGUF").u32(version).u64(tensors).u64(entries);
}

Spelling& tensor(Spelling& s, const std::string& name, std::vector<uint64_t> dims, uint32_t type, uint64_t offset) {
  s.text(name).u32(static_cast<uint32_t>(dims.size()));
  for (const uint64_t dim : dims) s.u64(dim);
  return s.u32(type).u64(offset);
}

std::string error_of(const std::string& bytes) {
  const auto result = GgufFile::parse(std::as_bytes(std::span(bytes)), "m.gguf");
  return result.ok() ? "no error" : result.error().message;
}

std::string one_tensor(std::vector<uint64_t> dims, uint32_t type, uint64_t offset, size_t data) {
  Spelling s = head(1, 0);
  return tensor(s, "w", std::move(dims), type, offset).pad().raw(std::string(data, 'x'));
}

TEST(Gguf, ReadsWhatTheReferenceWriterWrote) {
  const GgufFile f = GgufFile::open("tests/golden/blocks.gguf").value();
  EXPECT_EQ(3u, f.version());
  EXPECT_EQ("test", f.text("general.architecture"));
  EXPECT_EQ(200, f.integer("a.u8"));
  EXPECT_EQ(-100, f.integer("a.i8"));
  EXPECT_EQ(60000, f.integer("a.u16"));
  EXPECT_EQ(-30000, f.integer("a.i16"));
  EXPECT_EQ(4'000'000'000, f.integer("a.u32"));
  EXPECT_EQ(-2'000'000'000, f.integer("a.i32"));
  EXPECT_EQ(0.25, f.number("a.f32"));
  EXPECT_EQ(true, f.boolean("a.bool"));
  EXPECT_EQ("마루 floor", f.text("a.text"));
  EXPECT_EQ(-(int64_t{1} << 62), f.integer("a.i64"));
  EXPECT_EQ(1e-300, f.number("a.f64"));
  EXPECT_EQ(std::nullopt, f.integer("nowhere"));
  EXPECT_THROW(f.integer("a.u64"), Failure) << "more than an int64 holds";
  EXPECT_THROW(f.integer("a.text"), Failure);
  EXPECT_THAT(*f.find("a.texts")->as_texts(), ElementsAre("", "한국어", "b"));
  EXPECT_THAT(*f.find("a.integers")->as_integers(), ElementsAre(3, -1, 2));
  EXPECT_THAT(*f.find("a.numbers")->as_numbers(), ElementsAre(0.5, -2.0));
  EXPECT_EQ(std::nullopt, f.find("a.numbers")->as_integers());
  EXPECT_EQ(std::nullopt, f.find("a.integers")->as_texts());
  EXPECT_THAT(f.tensor("values")->shape, ElementsAre(4, 64));
}

TEST(Gguf, WriterRoundTrips) {
  const fs::path path = fs::temp_directory_path() / ("maru_gguf_" + std::to_string(::getpid()));
  const std::array<float, 6> a{1, 2, 3, 4, 5, 6};
  const std::array<std::byte, 36> b{std::byte{9}};
  GgufWriter writer(path);
  writer.set("general.architecture", "llama");
  writer.set("x.flag", true);
  writer.set("x.count", uint32_t{7});
  writer.set("x.small", -7);
  writer.set("x.large", uint64_t{1} << 40);
  writer.set("x.real", 0.5f);
  writer.set("x.words", std::vector<std::string>{"가", ""});
  writer.set("x.ids", std::vector<int32_t>{1, -2});
  writer.set("x.scores", std::vector<float>{0.5f});
  writer.declare("a", GgmlType::kF32, {2, 3});
  writer.declare("none", GgmlType::kF32, {0, 3});
  writer.declare("b", GgmlType::kQ4_0, {2, 32});
  writer.write(std::as_bytes(std::span(a)).first(8));
  writer.write(std::as_bytes(std::span(a)).subspan(8));
  writer.write(b);
  EXPECT_FALSE(fs::exists(path)) << "nothing before commit";
  writer.commit();
  const GgufFile file = GgufFile::open(path).value();
  EXPECT_EQ(7, file.integer("x.count"));
  EXPECT_EQ(-7, file.integer("x.small"));
  EXPECT_EQ(int64_t{1} << 40, file.integer("x.large"));
  EXPECT_EQ(true, file.boolean("x.flag"));
  EXPECT_THAT(*file.find("x.words")->as_texts(), ElementsAre("가", ""));
  EXPECT_THAT(*file.find("x.scores")->as_numbers(), ElementsAre(0.5));
  EXPECT_THAT(file.tensor("a")->shape, ElementsAre(2, 3));
  EXPECT_EQ(0, std::memcmp(a.data(), file.tensor("a")->bytes.data(), sizeof a));
  EXPECT_EQ(std::byte{9}, file.tensor("b")->bytes[0]);
  EXPECT_EQ(0u, reinterpret_cast<uintptr_t>(file.tensor("b")->bytes.data()) % 32);
  EXPECT_TRUE(file.tensor("none")->bytes.empty());
  EXPECT_EQ(0u, fs::file_size(path) % 32);
  fs::remove(path);
}

TEST(Gguf, WriterRefusesBrokenRowsAndLongNames) {
  GgufWriter writer(fs::temp_directory_path() / "maru_gguf_unused");
  EXPECT_THROW(writer.declare("w", GgmlType::kQ4_0, {2, 33}), Failure);
  EXPECT_THROW(writer.declare("w", GgmlType::kQ4_0, {32, 1}), Failure) << "blocks do not cross rows";
  EXPECT_THROW(writer.declare(std::string(64, 'w'), GgmlType::kF32, {1}), Failure);
}

TEST(Gguf, RefusesOtherFiles) {
  EXPECT_THAT(error_of("GG"), HasSubstr("offset 0: magic takes 4 bytes, the file has 2 left"));
  EXPECT_THAT(error_of("GGML00000000"), HasSubstr("not a GGUF file"));
  EXPECT_THAT(error_of(head(0, 0, 1)), HasSubstr("version 1 is not supported"));
  EXPECT_THAT(error_of(head(0, 0, 4)), HasSubstr("version is 4, expected 2 or 3"));
  EXPECT_THAT(error_of(head(0, 0, 0x03000000)), HasSubstr("big-endian"));
  EXPECT_EQ("no error", error_of(head(0, 0, 2)));
}

TEST(Gguf, RefusesMetadataThatLies) {
  const auto entry = [](const Spelling& value) { return head(0, 1).text("k").raw(value); };
  EXPECT_EQ("no error", error_of(entry(Spelling().u32(8).text("v"))));
  EXPECT_THAT(error_of(head(0, ~uint64_t{0})), HasSubstr("offset 24: 18446744073709551615 metadata entries need"));
  EXPECT_THAT(error_of(head(0, 20).raw(std::string(100, '\0'))),
              HasSubstr("offset 24: 20 metadata entries need 13 bytes each at least, the file has 100 left"));
  EXPECT_THAT(error_of(head(0, 1).u64(1 << 20).raw("keykey")), HasSubstr("key has 1048576 bytes, expected 65535"));
  EXPECT_THAT(error_of(entry(Spelling().u32(13).u8(0))), HasSubstr("unknown value type 13"));
  EXPECT_THAT(error_of(entry(Spelling().u32(8).u64(~uint64_t{0}).raw("v"))), HasSubstr("offset 45: string takes"));
  EXPECT_THAT(error_of(entry(Spelling().u32(7).u8(2))), HasSubstr("offset 37: a boolean is 2"));
  EXPECT_THAT(error_of(entry(Spelling().u32(9).u32(4).u64(uint64_t{1} << 62).u32(0))),
              HasSubstr("array elements need"));
  EXPECT_THAT(error_of(entry(Spelling().u32(9).u32(7).u64(2).u8(1).u8(3))), HasSubstr("a boolean is 3"));
  EXPECT_THAT(error_of(head(0, 2).text("k").u32(0).u8(1).text("k").u32(0).u8(1)), HasSubstr("\"k\" occurs twice"));
  EXPECT_THAT(error_of(head(0, 1).text("").u32(0).u8(1)), HasSubstr("an empty key"));
  Spelling deep = head(0, 1).text("k").u32(9);
  for (int i = 0; i < 20; ++i) deep.u32(9).u64(1);
  EXPECT_THAT(error_of(deep.u32(0).u64(1).u8(0)), HasSubstr("nested more than 8 deep"));
}

TEST(Gguf, RefusesTensorsThatLie) {
  EXPECT_EQ("no error", error_of(one_tensor({3, 2}, 0, 0, 24)));
  EXPECT_THAT(error_of(one_tensor({3, 2}, 0, 0, 20)), HasSubstr("takes 24 bytes at 0, the file has 20 bytes of data"));
  EXPECT_THAT(error_of(one_tensor({3, 2}, 0, 32, 24)), HasSubstr("takes 24 bytes at 32"));
  EXPECT_THAT(error_of(one_tensor({3, 2}, 0, 8, 64)), HasSubstr("lies at 8, expected a multiple of 32"));
  EXPECT_THAT(error_of(one_tensor({3, 2}, 99, 0, 24)), HasSubstr("unknown type 99"));
  EXPECT_THAT(error_of(one_tensor({33, 2}, 2, 0, 64)), HasSubstr("no whole Q4_0 blocks of 32"));
  EXPECT_THAT(error_of(one_tensor({1ull << 33, 1ull << 33}, 0, 0, 64)), HasSubstr("too large"));
  EXPECT_THAT(error_of(one_tensor({1ull << 61}, 0, 0, 64)), HasSubstr("takes 9223372036854775808 bytes"));
  EXPECT_THAT(error_of(one_tensor({1ull << 62}, 0, 0, 64)), HasSubstr("too large"));
  EXPECT_THAT(error_of(one_tensor({~uint64_t{0}}, 0, 0, 64)), HasSubstr("an axis of 18446744073709551615"));
  EXPECT_THAT(error_of(one_tensor({1, 1, 1, 1, 1}, 0, 0, 64)), HasSubstr("has 5 axes"));
  EXPECT_THAT(error_of(head(uint64_t{1} << 60, 0)), HasSubstr("tensors need"));
  Spelling twice = head(2, 0);
  tensor(tensor(twice, "w", {1}, 0, 0), "w", {1}, 0, 32);
  EXPECT_THAT(error_of(twice.pad().raw(std::string(64, 'x'))), HasSubstr("\"w\" occurs twice"));
  Spelling overlap = head(2, 0);
  tensor(tensor(overlap, "v", {16}, 0, 0), "w", {16}, 0, 32);
  EXPECT_THAT(error_of(overlap.pad().raw(std::string(96, 'x'))), HasSubstr("\"w\" at 32 overlaps"));
}

TEST(Gguf, AlignmentIsTheFilesOwn) {
  const auto file = [](uint32_t alignment, uint64_t offset) {
    Spelling s = head(1, 1).text("general.alignment").u32(4).u32(alignment);
    return std::string(tensor(s, "w", {1}, 0, offset).raw(std::string(400, 'x')));
  };
  EXPECT_EQ("no error", error_of(file(64, 64)));
  EXPECT_THAT(error_of(file(64, 32)), HasSubstr("expected a multiple of 64"));
  for (const uint32_t bad : {0u, 1u, 24u, 1u << 31})
    EXPECT_THAT(error_of(file(bad, 0)), HasSubstr("expected a power of two")) << bad;
}

// Every prefix and every flipped byte is either read or refused; sanitizers watch.
TEST(Gguf, SurvivesTruncationAndFlippedBytes) {
  const std::string whole = read_file("tests/golden/blocks.gguf");
  const GgufFile file = GgufFile::parse(std::as_bytes(std::span(whole)), "g").value();
  const size_t header = 4096;
  for (size_t size = 0; size < header; size += 7)
    EXPECT_FALSE(GgufFile::parse(std::as_bytes(std::span(whole.data(), size)), "g").ok());
  for (size_t i = 0; i < header; ++i) {
    std::string changed = whole;
    changed[i] = static_cast<char>(changed[i] ^ (1 << i % 8));
    const auto result = GgufFile::parse(std::as_bytes(std::span(changed)), "g");
    EXPECT_THAT(result.ok() ? "g: " : result.error().message, HasSubstr("g: ")) << i;
  }
}

}  // namespace
}  // namespace maru::formats
