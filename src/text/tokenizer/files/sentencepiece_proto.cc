#include "text/tokenizer/files/sentencepiece_proto.h"

#include <bit>
#include <cstdint>
#include <cstring>

namespace maru::text {
namespace {

static_assert(std::endian::native == std::endian::little);

/// One field of a message.
struct Field {
  uint32_t number = 0;
  uint64_t value = 0;      // of a varint or fixed field
  std::string_view bytes;  // of a length-delimited one
  size_t offset = 0;
};

enum class Wire : uint8_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

/// The fields of one message in order.
class Reader {
 public:
  Reader(std::string_view bytes, size_t offset, const std::string& name)
      : bytes_(bytes), offset_(offset), name_(name) {}
  bool next(Field& field) {
    if (at_ == bytes_.size()) return false;
    field = {};
    field.offset = offset_ + at_;
    const uint64_t key = varint();
    field.number = static_cast<uint32_t>(key >> 3);
    if (field.number == 0 || key >> 3 > 536870911) fail("not a field number");
    switch (static_cast<Wire>(key & 7)) {
      case Wire::kVarint: field.value = varint(); return true;
      case Wire::kFixed64: field.value = fixed(8); return true;
      case Wire::kFixed32: field.value = fixed(4); return true;
      case Wire::kBytes: field.bytes = take(varint()); return true;
    }
    fail("a field of wire type " + std::to_string(key & 7));
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw Failure(ErrorCode::kInvalidArgument, name_ + ": " + what + " at byte " + std::to_string(offset_ + at_));
  }
  std::string_view take(uint64_t size) {
    if (size > bytes_.size() - at_)
      fail("a field of " + std::to_string(size) + " bytes where " + std::to_string(bytes_.size() - at_) + " are left");
    const std::string_view taken = bytes_.substr(at_, size);
    at_ += size;
    return taken;
  }
  uint64_t fixed(size_t size) {
    uint64_t value = 0;
    std::memcpy(&value, take(size).data(), size);
    return value;
  }
  uint64_t varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const uint8_t byte = static_cast<uint8_t>(take(1)[0]);
      value |= uint64_t{byte & 0x7Fu} << shift;
      if (byte < 0x80) return value;
    }
    fail("a number of more than 64 bits");
  }
  std::string_view bytes_;
  size_t offset_, at_ = 0;
  const std::string& name_;
};

template <class F>
void each_field(std::string_view bytes, size_t offset, const std::string& name, const F& f) {
  Reader reader(bytes, offset, name);
  for (Field field; reader.next(field);) f(field);
}

size_t content_offset(const Field& field, std::string_view whole) {
  return static_cast<size_t>(field.bytes.data() - whole.data());
}

SentencePieceProto::Piece read_piece(const Field& message, std::string_view whole, const std::string& name) {
  SentencePieceProto::Piece piece;
  each_field(message.bytes, content_offset(message, whole), name, [&](const Field& field) {
    if (field.number == 1) piece.piece = field.bytes;
    if (field.number == 2) piece.score = std::bit_cast<float>(static_cast<uint32_t>(field.value));
    if (field.number != 3) return;
    if (field.value < 1 || field.value > 6)
      throw Failure(ErrorCode::kInvalidArgument, name + ": a piece of type " + std::to_string(field.value) +
                                                     " at byte " + std::to_string(field.offset));
    piece.type = static_cast<SentencePieceProto::PieceType>(field.value);
  });
  if (piece.piece.empty() || piece.piece.size() >= 8000)
    throw Failure(ErrorCode::kInvalidArgument, name + ": a piece of " + std::to_string(piece.piece.size()) +
                                                   " bytes at byte " + std::to_string(message.offset) +
                                                   ", expected 1 to 7999");
  return piece;
}

void read_trainer(const Field& message, std::string_view whole, const std::string& name, SentencePieceProto& proto) {
  each_field(message.bytes, content_offset(message, whole), name, [&](const Field& field) {
    if (field.number == 3) {
      if (field.value < 1 || field.value > 4)
        throw Failure(ErrorCode::kInvalidArgument, name + ": trainer_spec.model_type " + std::to_string(field.value));
      proto.model_type = static_cast<SentencePieceProto::ModelType>(field.value);
    }
    if (field.number == 24) proto.whitespace_as_suffix = field.value != 0;
    if (field.number == 35) proto.byte_fallback = field.value != 0;
  });
}

void read_normalizer(const Field& message, std::string_view whole, const std::string& name, SentencePieceProto& proto) {
  each_field(message.bytes, content_offset(message, whole), name, [&](const Field& field) {
    if (field.number == 2) proto.charsmap = field.bytes;
    if (field.number == 3) proto.add_dummy_prefix = field.value != 0;
    if (field.number == 4) proto.remove_extra_whitespaces = field.value != 0;
    if (field.number == 5) proto.escape_whitespaces = field.value != 0;
  });
}

SentencePieceProto read_model(std::string_view bytes, const std::string& name) {
  SentencePieceProto proto;
  each_field(bytes, 0, name, [&](const Field& field) {
    if (field.number == 1) proto.pieces.push_back(read_piece(field, bytes, name));
    if (field.number == 2) read_trainer(field, bytes, name, proto);
    if (field.number == 3) read_normalizer(field, bytes, name, proto);
    if (field.number == 5)
      each_field(field.bytes, content_offset(field, bytes), name, [&](const Field& inner) {
        if (inner.number == 2) proto.denormalizer_charsmap = inner.bytes;
      });
  });
  if (proto.pieces.empty()) throw Failure(ErrorCode::kInvalidArgument, name + ": no pieces: not a SentencePiece model");
  return proto;
}

}  // namespace

Result<SentencePieceProto> parse_sentencepiece_proto(std::string_view bytes, std::string_view name) {
  try {
    return read_model(bytes, std::string(name));
  } catch (const Failure& failure) {
    return failure.error();
  }
}

}  // namespace maru::text
