#include "text/tokenizer/pre_tokenizer.h"

#include <functional>

#include "base/utf8.h"
#include "text/tokenizer/byte_alphabet.h"
#include "text/tokenizer/matcher.h"
#include "text/tokenizer/split_events.h"
#include "text/unicode/char_sets.h"
#include "text/unicode/script_runs.h"

namespace maru::text {
namespace {

using pre_tokenizers::Behavior;
using pre_tokenizers::PrependScheme;
using Step = PreTokenizer::Step;

/// Splits at characters of a set. Bytes that are not UTF-8 belong to none.
class CharacterSplit final : public Step {
 public:
  using Set = std::function<bool(char32_t)>;
  CharacterSplit(Set set, Behavior behavior) : set_(std::move(set)), behavior_(behavior) {}
  void run(Section section, std::string&, SinkOf<Section> sink) const override {
    SplitEvents events(behavior_, section, sink);
    const char *begin = section.text.data(), *const end = begin + section.text.size();
    const auto gap = [&](const char* to) {
      if (to > begin) events({{begin, static_cast<size_t>(to - begin)}, false});
    };
    for (const char* p = begin; p < end;) {
      const Decoded d = decode_utf8(p, end);
      if (d.code_point != kInvalidCodePoint && set_(d.code_point)) {
        gap(p);
        events({{p, d.length}, true});
        begin = p + d.length;
      }
      p += d.length;
    }
    gap(end);
    events.finish();
  }

 private:
  Set set_;
  Behavior behavior_;
};

class PatternSplit final : public Step {
 public:
  PatternSplit(Matcher matcher, Behavior behavior, bool invert)
      : matcher_(std::move(matcher)), behavior_(behavior), invert_(invert) {}
  void run(Section section, std::string&, SinkOf<Section> sink) const override {
    SplitEvents events(behavior_, section, sink);
    matcher_.find(section.text, [&](Matched m) { events({m.text, m.is_match != invert_}); });
    events.finish();
  }

 private:
  Matcher matcher_;
  Behavior behavior_;
  bool invert_;
};

/// Runs of word characters, and runs of what is neither a word character nor white space.
class WordSplit final : public Step {
 public:
  void run(Section section, std::string&, SinkOf<Section> sink) const override {
    enum class Kind : uint8_t { kNothing, kWord, kOther };
    const char *begin = section.text.data(), *const end = begin + section.text.size();
    Kind kind = Kind::kNothing;
    const auto cut = [&](const char* at) {
      if (kind != Kind::kNothing && at > begin)
        sink({{begin, static_cast<size_t>(at - begin)}, section.at_start && begin == section.text.data()});
      begin = at;
    };
    for (const char* p = begin; p < end;) {
      const Decoded d = decode_utf8(p, end);
      const Kind here = is_word_character(d.code_point) ? Kind::kWord
                        : is_white_space(d.code_point)  ? Kind::kNothing
                                                        : Kind::kOther;
      if (here != kind) cut(p);
      kind = here;
      p += d.length;
    }
    cut(end);
  }
};

class ScannerSplit final : public Step {
 public:
  explicit ScannerSplit(Scanner scanner) : scanner_(std::move(scanner)) {}
  void run(Section section, std::string&, SinkOf<Section> sink) const override {
    scanner_.split(section.text, [&](std::string_view piece) {
      sink({piece, section.at_start && piece.data() == section.text.data()});
    });
  }

 private:
  Scanner scanner_;
};

/// A space before the text unless it begins with one.
class PrefixSpace final : public Step {
 public:
  void run(Section section, std::string& buffer, SinkOf<Section> sink) const override {
    if (section.text.starts_with(' ')) return sink(section);
    buffer = ' ';
    buffer += section.text;
    sink({buffer, section.at_start});
  }
};

/// Bytes as the characters of the byte alphabet.
class ByteCharacters final : public Step {
 public:
  void run(Section section, std::string& buffer, SinkOf<Section> sink) const override {
    buffer.clear();
    for (const char byte : section.text) append_utf8(buffer, alphabet_.character(static_cast<uint8_t>(byte)));
    sink({buffer, section.at_start});
  }

 private:
  ByteAlphabet alphabet_;
};

class MetaspaceStep final : public Step {
 public:
  explicit MetaspaceStep(const pre_tokenizers::Metaspace& spec) : spec_(spec) {
    append_utf8(replacement_, spec.replacement);
  }
  void run(Section section, std::string& buffer, SinkOf<Section> sink) const override {
    buffer.clear();
    const std::string_view text = section.text;
    const bool prepend = spec_.prepend_scheme == PrependScheme::kAlways ||
                         (spec_.prepend_scheme == PrependScheme::kFirst && section.at_start);
    if (prepend && !text.starts_with(' ') && !text.starts_with(replacement_)) buffer += replacement_;
    for (const char c : text)
      if (c == ' ')
        buffer += replacement_;
      else
        buffer += c;
    if (!spec_.split) return sink({buffer, section.at_start});
    SplitEvents events(Behavior::kMergedWithNext, {buffer, section.at_start}, sink);
    find(buffer, events);
    events.finish();
  }

 private:
  void find(std::string_view text, SplitEvents& events) const {
    size_t done = 0;
    for (size_t at; (at = text.find(replacement_, done)) != std::string_view::npos; done = at + replacement_.size()) {
      if (at > done) events({text.substr(done, at - done), false});
      events({text.substr(at, replacement_.size()), true});
    }
    if (done < text.size()) events({text.substr(done), false});
  }
  pre_tokenizers::Metaspace spec_;
  std::string replacement_;
};

class FixedLengthStep final : public Step {
 public:
  explicit FixedLengthStep(uint64_t length) : length_(length) {}
  void run(Section section, std::string&, SinkOf<Section> sink) const override {
    const char *begin = section.text.data(), *p = begin, *const end = begin + section.text.size();
    uint64_t count = 0;
    while (p < end) {
      p += decode_utf8(p, end).length;
      if (++count < length_ && p < end) continue;
      sink({{begin, static_cast<size_t>(p - begin)}, section.at_start && begin == section.text.data()});
      begin = p;
      count = 0;
    }
  }

 private:
  uint64_t length_;
};

class ScriptSplit final : public Step {
 public:
  void run(Section section, std::string&, SinkOf<Section> sink) const override {
    each_script_run(section.text, [&](std::string_view run) {
      sink({run, section.at_start && run.data() == section.text.data()});
    });
  }
};

std::string_view digits_pattern(const pre_tokenizers::Digits& spec) {
  return spec.individual ? R"(\p{N})" : R"(\p{N}+)";
}

}  // namespace

/// Collects what runs the steps: patterns that isolate as stages of the quick way, everything as steps.
class PreTokenizer::Builder {
 public:
  Builder(bool byte_level, std::string where) : byte_level_(byte_level), where_(std::move(where)) {}

  void operator()(const pre_tokenizers::ByteLevel& spec) {
    if (spec.add_prefix_space) rewrite<PrefixSpace>();
    if (spec.use_regex) isolate(std::string(kGpt2Pattern));
    if (!byte_level_) rewrite<ByteCharacters>();
  }
  void operator()(const pre_tokenizers::Split& spec) {
    if (spec.behavior == Behavior::kIsolated && spec.pattern.regex) return isolate(spec.pattern.text);
    rewrite<PatternSplit>(Matcher::create(spec.pattern, where_).value(), spec.behavior, spec.invert);
  }
  void operator()(const pre_tokenizers::Digits& spec) { isolate(std::string(digits_pattern(spec))); }
  void operator()(const pre_tokenizers::Metaspace& spec) { rewrite<MetaspaceStep>(spec); }
  void operator()(const pre_tokenizers::Whitespace&) { rewrite<WordSplit>(); }
  void operator()(const pre_tokenizers::WhitespaceSplit&) { characters(is_white_space, Behavior::kRemoved); }
  void operator()(const pre_tokenizers::Bert&) {
    characters(is_white_space, Behavior::kRemoved);
    characters(is_punctuation, Behavior::kIsolated);
  }
  void operator()(const pre_tokenizers::Punctuation& spec) { characters(is_punctuation, spec.behavior); }
  void operator()(const pre_tokenizers::CharDelimiter& spec) {
    characters([delimiter = spec.delimiter](char32_t c) { return c == delimiter; }, Behavior::kRemoved);
  }
  void operator()(const pre_tokenizers::UnicodeScripts&) { rewrite<ScriptSplit>(); }
  void operator()(const pre_tokenizers::FixedLength& spec) { rewrite<FixedLengthStep>(spec.length); }

  PreTokenizer take() {
    PreTokenizer made;
    if (only_stages_)
      made.stages_ = std::move(stages_);
    else
      made.steps_ = std::move(steps_);
    return made;
  }

  void isolate(const std::string& pattern) {
    if (const auto scanner = Scanner::of_pattern(pattern, classes_)) {
      stages_.emplace_back(*scanner);
      steps_.push_back(std::make_shared<const ScannerSplit>(*scanner));
      return;
    }
    const Regex regex = Regex::compile(pattern, where_).value();
    stages_.emplace_back(regex);
    steps_.push_back(std::make_shared<const PatternSplit>(Matcher(regex), Behavior::kIsolated, false));
  }

 private:
  template <class S, class... A>
  void rewrite(A&&... arguments) {
    only_stages_ = false;
    steps_.push_back(std::make_shared<const S>(std::forward<A>(arguments)...));
  }
  void characters(CharacterSplit::Set set, Behavior behavior) { rewrite<CharacterSplit>(std::move(set), behavior); }

  bool byte_level_, only_stages_ = true;
  std::string where_;
  std::shared_ptr<const CharClasses> classes_ = std::make_shared<const CharClasses>();
  std::vector<std::variant<Scanner, Regex>> stages_;
  std::vector<std::shared_ptr<const Step>> steps_;
};

Result<PreTokenizer> PreTokenizer::create(const std::vector<std::string>& patterns, const std::string& where) {
  try {
    Builder builder(true, where);
    for (const std::string& pattern : patterns) builder.isolate(pattern);
    return builder.take();
  } catch (const Failure& failure) {
    return failure.error();
  }
}

Result<PreTokenizer> PreTokenizer::create(const std::vector<PreTokenizerStep>& steps, bool byte_level,
                                          const std::string& where) {
  try {
    Builder builder(byte_level, where);
    for (const PreTokenizerStep& step : steps) std::visit(builder, step);
    return builder.take();
  } catch (const Failure& failure) {
    return failure.error();
  }
}

void PreTokenizer::split_from(size_t stage, std::string_view text, PieceSink sink) const {
  if (text.empty()) return;
  if (stage == stages_.size()) return sink(text);
  const bool last = stage + 1 == stages_.size();
  const auto deeper = [&](std::string_view piece) { split_from(stage + 1, piece, sink); };
  const PieceSink next = last ? sink : PieceSink(deeper);
  std::visit([&](const auto& splitter) { splitter.split(text, next); }, stages_[stage]);
}

void PreTokenizer::split(Section section, PreTokenizerScratch& scratch, PieceSink sink) const {
  if (in_place()) return split_from(0, section.text, sink);
  scratch.buffers.resize(steps_.size());
  run_from(0, section, scratch, sink);
}

void PreTokenizer::run_from(size_t step, Section section, PreTokenizerScratch& scratch, PieceSink sink) const {
  if (section.text.empty()) return;
  if (step == steps_.size()) return sink(section.text);
  steps_[step]->run(section, scratch.buffers[step], [&](Section next) { run_from(step + 1, next, scratch, sink); });
}

}  // namespace maru::text
