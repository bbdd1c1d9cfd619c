#include "text/tokenizer/post_processor.h"

#include <algorithm>

namespace maru::text {
namespace {

using Parts = std::vector<Wrapping::Part>;

Parts parts_of(const post_processors::Template& spec, const std::vector<post_processors::Piece>& pieces) {
  Parts parts;
  for (const post_processors::Piece& piece : pieces) {
    Wrapping::Part part{piece.sequence, {}, piece.type_id};
    const auto named = [&](const auto& token) { return token.name == piece.token; };
    const auto it = std::find_if(spec.special_tokens.begin(), spec.special_tokens.end(), named);
    if (piece.sequence < 0 && it != spec.special_tokens.end()) part.ids = it->ids;
    parts.push_back(std::move(part));
  }
  return parts;
}

struct Wrap {
  Wrapping& made;
  void operator()(const post_processors::ByteLevel&) const {}
  void operator()(const post_processors::Template& spec) const {
    made.single = parts_of(spec, spec.single);
    if (!spec.pair.empty()) made.pair = parts_of(spec, spec.pair);
  }
  void operator()(const post_processors::Bert& spec) const {
    const std::vector<int32_t> cls{spec.cls.second}, sep{spec.sep.second};
    made.single = {{-1, cls, 0}, {0, {}, 0}, {-1, sep, 0}};
    made.pair = {{-1, cls, 0}, {0, {}, 0}, {-1, sep, 0}, {1, {}, 1}, {-1, sep, 1}};
  }
  void operator()(const post_processors::Roberta& spec) const {
    const std::vector<int32_t> cls{spec.cls.second}, sep{spec.sep.second};
    made.single = {{-1, cls, 0}, {0, {}, 0}, {-1, sep, 0}};
    made.pair = {{-1, cls, 0}, {0, {}, 0}, {-1, sep, 0}, {-1, sep, 0}, {1, {}, 0}, {-1, sep, 0}};
  }
};

}  // namespace

Wrapping wrapping_of(const std::vector<PostProcessorStep>& steps) {
  Wrapping made;
  for (const PostProcessorStep& step : steps) std::visit(Wrap{made}, step);
  return made;
}

}  // namespace maru::text
