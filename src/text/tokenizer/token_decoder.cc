#include "text/tokenizer/token_decoder.h"

#include <algorithm>
#include <array>

#include "base/utf8.h"
#include "text/tokenizer/byte_alphabet.h"
#include "text/tokenizer/byte_tokens.h"
#include "text/tokenizer/matcher.h"

namespace maru::text {
namespace {

constexpr std::string_view kReplacement = "\uFFFD";
constexpr size_t kMostBytes = size_t{1} << 28;  // steps of a file may feed each other

/// Copies itself for a new text.
template <class S>
class Stage : public DecoderStage {
 public:
  std::unique_ptr<DecoderStage> fresh() const override { return std::make_unique<S>(static_cast<const S&>(*this)); }
};

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  for (size_t at = 0; !from.empty() && (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

class Join final : public Stage<Join> {
 public:
  void push(std::string_view token, PieceSink next) override {
    if (!first_) next(" ");
    first_ = false;
    next(token);
  }

 private:
  bool first_ = true;
};

class Fuse final : public Stage<Fuse> {
 public:
  void push(std::string_view token, PieceSink next) override { next(token); }
};

class ByteLevel final : public Stage<ByteLevel> {
 public:
  void push(std::string_view token, PieceSink next) override {
    const auto bytes = alphabet_.to_bytes(token);
    next(bytes ? std::string_view(*bytes) : token);
  }

 private:
  ByteAlphabet alphabet_;
};

class Metaspace final : public Stage<Metaspace> {
 public:
  explicit Metaspace(const decoders::Metaspace& spec)
      : drops_first_(spec.prepend_scheme != pre_tokenizers::PrependScheme::kNever) {
    append_utf8(replacement_, spec.replacement);
  }
  void push(std::string_view token, PieceSink next) override {
    const std::string text = replaced(std::string(token), replacement_, first_ && drops_first_ ? "" : " ");
    first_ = false;
    next(text);
  }

 private:
  std::string replacement_;
  bool drops_first_, first_ = true;
};

/// Bytes wait until they are characters; each byte that can be part of none becomes U+FFFD.
class ByteFallback final : public Stage<ByteFallback> {
 public:
  void push(std::string_view token, PieceSink next) override {
    const auto byte = byte_of_token(token);
    if (!byte) {
      finish(next);
      return next(token);
    }
    pending_ += static_cast<char>(*byte);
    while (!pending_.empty() && incomplete_suffix(pending_) < pending_.size()) give_character(next);
  }
  void finish(PieceSink next) override {
    for (size_t i = 0; i < pending_.size(); ++i) next(kReplacement);
    pending_.clear();
  }

 private:
  void give_character(PieceSink next) {
    const Decoded d = decode_utf8(pending_.data(), pending_.data() + pending_.size());
    const bool valid = d.code_point != kInvalidCodePoint;
    const size_t length = valid ? d.length : 1;
    next(valid ? std::string_view(pending_).substr(0, length) : kReplacement);
    pending_.erase(0, length);
  }
  std::string pending_;
};

class Replace final : public Stage<Replace> {
 public:
  Replace(Matcher matcher, std::string content) : matcher_(std::move(matcher)), content_(std::move(content)) {}
  void push(std::string_view token, PieceSink next) override {
    std::string text;
    matcher_.find(token, [&](Matched m) {
      text += m.is_match ? std::string_view(content_) : m.text;
      if (text.size() > kMostBytes) throw Failure(ErrorCode::kExhausted, "decoding: a token becomes 256 MiB of text");
    });
    next(text);
  }

 private:
  Matcher matcher_;
  std::string content_;
};

/// Replaces a literal in parts of one long token: holds back what may be the beginning of a match.
class FusedReplace final : public Stage<FusedReplace> {
 public:
  FusedReplace(std::string wanted, std::string content) : wanted_(std::move(wanted)), content_(std::move(content)) {}
  void push(std::string_view part, PieceSink next) override {
    held_ += part;
    size_t done = 0;
    for (size_t at; (at = held_.find(wanted_, done)) != std::string::npos; done = at + wanted_.size()) {
      if (at > done) next(std::string_view(held_).substr(done, at - done));
      if (!content_.empty()) next(content_);
    }
    const size_t sure = std::max(done, held_.size() - open_match(held_.size() - done));
    if (sure > done) next(std::string_view(held_).substr(done, sure - done));
    held_.erase(0, sure);
  }
  void finish(PieceSink next) override { next(held_); }

 private:
  // Bytes at the end, at most `limit`, that begin `wanted_`.
  size_t open_match(size_t limit) const {
    size_t length = std::min(limit, wanted_.size() - 1);
    while (length > 0 && !held_.ends_with(std::string_view(wanted_).substr(0, length))) --length;
    return length;
  }
  std::string wanted_, content_, held_;
};

class Strip final : public Stage<Strip> {
 public:
  explicit Strip(const decoders::Strip& spec) : start_(spec.start), stop_(spec.stop) {
    append_utf8(content_, spec.content);
  }
  void push(std::string_view token, PieceSink next) override {
    for (uint64_t i = 0; i < start_ && token.starts_with(content_); ++i) token.remove_prefix(content_.size());
    for (uint64_t i = 0; i < stop_ && token.ends_with(content_); ++i) token.remove_suffix(content_.size());
    next(token);
  }

 private:
  std::string content_;
  uint64_t start_, stop_;
};

/// Strips parts of one long token: holds back what may be at its end.
class FusedStrip final : public Stage<FusedStrip> {
 public:
  explicit FusedStrip(const decoders::Strip& spec) : start_(spec.start), stop_(spec.stop) {
    append_utf8(content_, spec.content);
  }
  void push(std::string_view part, PieceSink next) override {
    for (; start_ > 0 && part.starts_with(content_); --start_) part.remove_prefix(content_.size());
    if (part.empty()) return;
    start_ = 0;
    size_t run = 0;  // of `content_` at the end of the part
    while ((run + 1) * content_.size() <= part.size() && ends_with_run(part, run + 1)) ++run;
    const std::string_view before = part.substr(0, part.size() - run * content_.size());
    if (!before.empty()) give(held_, next);
    if (!before.empty()) next(before);
    held_ += run;
    if (held_ > stop_) give(held_ - stop_, next);
  }

 private:
  bool ends_with_run(std::string_view part, size_t run) const {
    return part.substr(part.size() - run * content_.size()).starts_with(content_);
  }
  void give(uint64_t count, PieceSink next) {
    for (uint64_t i = 0; i < count; ++i) next(content_);
    held_ -= count;
  }
  std::string content_;
  uint64_t start_, stop_, held_ = 0;
};

std::string cleaned_up(std::string text) {
  constexpr std::array<std::array<std::string_view, 2>, 11> kRules{{{" .", "."},
                                                                    {" ?", "?"},
                                                                    {" !", "!"},
                                                                    {" ,", ","},
                                                                    {" ' ", "'"},
                                                                    {" n't", "n't"},
                                                                    {" 'm", "'m"},
                                                                    {" do not", " don't"},
                                                                    {" 's", "'s"},
                                                                    {" 've", "'ve"},
                                                                    {" 're", "'re"}}};
  for (const auto& [from, to] : kRules) text = replaced(std::move(text), from, to);
  return text;
}

class WordPiece final : public Stage<WordPiece> {
 public:
  explicit WordPiece(const decoders::WordPiece& spec) : prefix_(spec.prefix), cleanup_(spec.cleanup) {}
  void push(std::string_view token, PieceSink next) override {
    std::string text(token);
    if (!first_ && token.starts_with(prefix_))
      text.erase(0, prefix_.size());
    else if (!first_)
      text.insert(0, 1, ' ');
    first_ = false;
    next(cleanup_ ? cleaned_up(std::move(text)) : text);
  }

 private:
  std::string prefix_;
  bool cleanup_, first_ = true;
};

/// A suffix ends a word: a space, but for the last token of the text.
class BpeSuffix final : public Stage<BpeSuffix> {
 public:
  explicit BpeSuffix(std::string suffix) : suffix_(std::move(suffix)) {}
  void push(std::string_view token, PieceSink next) override {
    give(" ", next);
    held_ = token;
    holding_ = true;
  }
  void finish(PieceSink next) override { give("", next); }

 private:
  void give(std::string_view content, PieceSink next) {
    if (holding_) next(replaced(held_, suffix_, content));
    holding_ = false;
  }
  std::string suffix_, held_;
  bool holding_ = false;
};

/// A step that must see the whole text at once.
class Whole final : public DecoderStage {
 public:
  explicit Whole(std::shared_ptr<const DecoderStage> inner) : inner_(std::move(inner)) {}
  std::unique_ptr<DecoderStage> fresh() const override { return std::make_unique<Whole>(inner_); }
  void push(std::string_view part, PieceSink) override { text_ += part; }
  void finish(PieceSink next) override {
    const auto stage = inner_->fresh();
    stage->push(text_, next);
    stage->finish(next);
  }

 private:
  std::shared_ptr<const DecoderStage> inner_;
  std::string text_;
};

using Stages = std::vector<std::shared_ptr<const DecoderStage>>;

class Builder {
 public:
  Builder(Stages& stages, const std::string& where) : stages_(stages), where_(where) {}

  void operator()(const decoders::ByteLevel&) {
    add(std::make_shared<ByteLevel>());
    fused_ = true;
  }
  void operator()(const decoders::Fuse&) {
    add(std::make_shared<Fuse>());
    fused_ = true;
  }
  void operator()(const decoders::Metaspace& spec) { add(std::make_shared<Metaspace>(spec)); }
  void operator()(const decoders::ByteFallback&) { add(std::make_shared<ByteFallback>()); }
  void operator()(const decoders::Replace& spec) {
    const bool literal = !spec.pattern.regex && !spec.pattern.text.empty();
    if (fused_ && literal) {
      stages_.push_back(std::make_shared<FusedReplace>(spec.pattern.text, spec.content));
      return;
    }
    add(std::make_shared<Replace>(Matcher::create(spec.pattern, where_).value(), spec.content));
  }
  void operator()(const decoders::Strip& spec) {
    if (fused_)
      stages_.push_back(std::make_shared<FusedStrip>(spec));
    else
      stages_.push_back(std::make_shared<Strip>(spec));
  }
  void operator()(const decoders::WordPiece& spec) { add(std::make_shared<WordPiece>(spec)); }
  void operator()(const decoders::Bpe& spec) { add(std::make_shared<BpeSuffix>(spec.suffix)); }

 private:
  void add(std::shared_ptr<const DecoderStage> stage) {
    if (fused_) stage = std::make_shared<Whole>(std::move(stage));
    stages_.push_back(std::move(stage));
  }
  Stages& stages_;
  const std::string& where_;
  bool fused_ = false;  // from here on the text is one token, in parts
};

}  // namespace

void DecoderRun::push_to(size_t stage, std::string_view token, std::string& text) {
  if (stage == stages_.size()) {
    text += token;
    if (stage > 0 && text.size() > kMostBytes)
      throw Failure(ErrorCode::kExhausted, "decoding: expected at most 256 MiB of text");
    return;
  }
  stages_[stage]->push(token, [&](std::string_view next) { push_to(stage + 1, next, text); });
}

void DecoderRun::finish(std::string& text) {
  for (size_t stage = 0; stage < stages_.size(); ++stage)
    stages_[stage]->finish([&](std::string_view next) { push_to(stage + 1, next, text); });
}

TokenDecoder::TokenDecoder() : stages_{std::make_shared<Join>()} {}

Result<TokenDecoder> TokenDecoder::create(const std::vector<DecoderStep>& steps, const std::string& where) {
  TokenDecoder made;
  if (steps.empty()) return made;
  made.stages_.clear();
  try {
    Builder builder(made.stages_, where);
    for (const DecoderStep& step : steps) {
      std::visit(builder, step);
      made.byte_fallback_ |= std::holds_alternative<decoders::ByteFallback>(step);
    }
  } catch (const Failure& failure) {
    return failure.error();
  }
  return made;
}

DecoderRun TokenDecoder::start() const {
  std::vector<std::unique_ptr<DecoderStage>> stages;
  for (const auto& stage : stages_) stages.push_back(stage->fresh());
  return DecoderRun(std::move(stages));
}

std::string TokenDecoder::bytes_inside(std::string_view token) const {
  if (const auto byte = byte_of_token(token); byte && byte_fallback_) return {static_cast<char>(*byte)};
  const auto decode = [&](std::initializer_list<std::string_view> tokens) {
    std::string text;
    DecoderRun run = start();
    for (const std::string_view t : tokens) run.push(t, text);
    run.finish(text);
    return text;
  };
  const std::string around = decode({"a", "a"}), all = decode({"a", token, "a"});
  const bool plain = around.starts_with('a') && all.starts_with('a') && all.size() >= around.size() &&
                     all.ends_with(std::string_view(around).substr(1));
  return plain ? all.substr(1, all.size() - around.size()) : std::string(token);
}

}  // namespace maru::text
