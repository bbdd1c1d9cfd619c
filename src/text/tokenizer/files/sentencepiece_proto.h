// SentencePiece's .model file: the fields of its protobuf message that encoding and decoding need, read by a small
// reader of the wire format. The bytes come from outside: every length is checked before it is believed.
//
// Source   SentencePiece, sentencepiece_model.proto; Protocol Buffers, "Encoding"
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace maru::text {

struct SentencePieceProto {
  enum class PieceType : uint8_t { kNormal = 1, kUnknown, kControl, kUserDefined, kUnused, kByte };
  enum class ModelType : uint8_t { kUnigram = 1, kBpe, kWord, kChar };
  struct Piece {
    std::string piece;
    float score = 0;
    PieceType type = PieceType::kNormal;
  };
  std::vector<Piece> pieces;
  ModelType model_type = ModelType::kUnigram;
  bool byte_fallback = false, whitespace_as_suffix = false;
  std::string charsmap, denormalizer_charsmap;
  bool add_dummy_prefix = true, remove_extra_whitespaces = true, escape_whitespaces = true;
};

/// `name` stands in the errors, with the offset of the field that is wrong.
Result<SentencePieceProto> parse_sentencepiece_proto(std::string_view bytes, std::string_view name);

}  // namespace maru::text
