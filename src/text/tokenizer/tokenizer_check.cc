#include "text/tokenizer/tokenizer_check.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "text/tokenizer/bpe_model.h"

namespace maru::text {
namespace {

[[noreturn]] void fail(const std::string& what) { throw Failure(ErrorCode::kInvalidArgument, what); }

class Check {
 public:
  Check(const TokenizerSpec& spec, std::string where) : spec_(spec), where_(std::move(where)) {}

  void run() {
    limit_ = 2 * (spec_.vocabulary.size() + spec_.added_tokens.size()) + 65536;  // ids index arrays: no huge holes
    for (const auto& [id, token] : spec_.vocabulary) take(id, token, "model.vocab");
    for (const AddedToken& token : spec_.added_tokens) take_added(token);
    std::visit([&](const auto& model) { check(model); }, spec_.model);
    for (const PostProcessorStep& step : spec_.post_processor.steps)
      std::visit([&](const auto& processor) { check(processor); }, step);
    check_growth();
    for (const PreTokenizerStep& step : spec_.pre_tokenizer.steps)
      if (const auto* fixed = std::get_if<pre_tokenizers::FixedLength>(&step); fixed != nullptr && fixed->length == 0)
        fail(where_ + "pre_tokenizer.length: expected at least 1, got 0");
    const auto& decoder = spec_.decoder.steps;
    const bool bytes = decoder.size() == 1 && std::holds_alternative<decoders::ByteLevel>(decoder[0]);
    if (spec_.byte_level && (!bytes || !std::holds_alternative<BpeSpec>(spec_.model)))
      fail(where_ + "decoder: a byte-level vocabulary needs BPE and the decoder ByteLevel");
  }

 private:
  void take(int32_t id, const std::string& token, const char* place) {
    if (id < 0 || static_cast<size_t>(id) >= limit_)
      fail(where_ + place + ": expected an id below " + std::to_string(limit_) + ", got " + std::to_string(id));
    if (!tokens_.emplace(id, &token).second) fail(where_ + place + ": two tokens have the id " + std::to_string(id));
  }

  void take_added(const AddedToken& token) {
    if (token.content.empty() || token.content.size() > 1024)
      fail(where_ + "added_tokens: expected 1 to 1024 bytes, got " + std::to_string(token.content.size()));
    if (!added_.insert(token.id).second) fail(where_ + "added_tokens: two have the id " + std::to_string(token.id));
    const auto it = tokens_.find(token.id);
    if (it == tokens_.end()) return take(token.id, token.content, "added_tokens");
    if (*it->second != token.content && !spec_.byte_level)
      fail(where_ + "added_tokens: the id " + std::to_string(token.id) + " of \"" + token.content + "\" is that of \"" +
           *it->second + "\"");
  }

  // Each writes a byte as a character of two: a file with many would make gigabytes of a line.
  void check_growth() const {
    int64_t count = 0;
    for (const auto& step : spec_.normalizer.steps) count += std::holds_alternative<normalizers::ByteLevel>(step);
    for (const auto& step : spec_.pre_tokenizer.steps) count += std::holds_alternative<pre_tokenizers::ByteLevel>(step);
    if (count > 4) fail(where_ + "pre_tokenizer: expected at most 4 times ByteLevel, got " + std::to_string(count));
  }

  void require(int32_t id, const std::string& place) const {
    if (!tokens_.contains(id)) fail(where_ + place + ": no token has id " + std::to_string(id));
  }

  void check(const BpeSpec& model) const {
    if (!model.ranks.empty() && model.ranks.size() != model.merges.size())
      fail(where_ + "model.merges: expected a rank for each");
    if (!std::is_sorted(model.ranks.begin(), model.ranks.end())) fail(where_ + "model.merges: ranks do not ascend");
    if (!model.ranks.empty() && model.ranks.back() >= model.merges.size())
      fail(where_ + "model.merges: expected ranks below " + std::to_string(model.merges.size()));
    for (const Merge& merge : model.merges)
      for (const int32_t id : {merge.left, merge.right, merge.result}) require(id, "model.merges");
  }

  void check(const UnigramSpec& model) const {
    const int32_t size = static_cast<int32_t>(model.scores.size());
    if (spec_.vocabulary.size() != model.scores.size()) fail(where_ + "model.vocab: expected a score for each token");
    for (const auto& [id, token] : spec_.vocabulary)
      if (id >= size) fail(where_ + "model.vocab: expected ids below " + std::to_string(size));
    const auto inside = [&](int32_t id, const char* place) {
      if (id < 0 || id >= size) fail(where_ + place + ": expected an id below " + std::to_string(size));
    };
    if (model.unk_id) inside(*model.unk_id, "model.unk_id");
    for (const int32_t id : model.user_defined) inside(id, "model.vocab");
    for (const int32_t id : model.unmatched) inside(id, "model.vocab");
  }

  void check(const WordPieceSpec&) const {}
  void check(const WordLevelSpec&) const {}

  void check(const post_processors::Template& processor) const {
    for (const auto& token : processor.special_tokens)
      for (const int32_t id : token.ids) require(id, "post_processor");
    if (processor.single.empty()) fail(where_ + "post_processor.single: expected a template with the sequence A");
    for (const auto* pieces : {&processor.single, &processor.pair})
      for (const auto& piece : *pieces) check(piece, processor);
  }
  void check(const post_processors::Piece& piece, const post_processors::Template& processor) const {
    const auto named = [&](const auto& token) { return token.name == piece.token; };
    const auto& tokens = processor.special_tokens;
    if (piece.sequence < 0 && std::none_of(tokens.begin(), tokens.end(), named))
      fail(where_ + "post_processor.special_tokens: expected \"" + piece.token + "\"");
    if (piece.sequence > 1) fail(where_ + "post_processor: expected the sequence A or B");
  }
  void check(const post_processors::Bert& processor) const { check_marks(processor.sep, processor.cls); }
  void check(const post_processors::Roberta& processor) const { check_marks(processor.sep, processor.cls); }
  void check(const post_processors::ByteLevel&) const {}
  void check_marks(const std::pair<std::string, int32_t>& sep, const std::pair<std::string, int32_t>& cls) const {
    require(sep.second, "post_processor.sep");
    require(cls.second, "post_processor.cls");
  }

  const TokenizerSpec& spec_;
  std::string where_;
  size_t limit_ = 0;
  std::unordered_map<int32_t, const std::string*> tokens_;
  std::unordered_set<int32_t> added_;
};

}  // namespace

Outcome check_spec(const TokenizerSpec& spec, const std::string& name) {
  try {
    Check(spec, name + ": ").run();
  } catch (const Failure& failure) {
    return failure.error();
  }
  return Done{};
}

}  // namespace maru::text
