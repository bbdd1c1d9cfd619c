#include "text/tokenizer/normalizer.h"

#include "base/utf8.h"
#include "text/tokenizer/byte_alphabet.h"
#include "text/tokenizer/charsmap.h"
#include "text/tokenizer/matcher.h"
#include "text/unicode/char_sets.h"
#include "text/unicode/graphemes.h"
#include "text/unicode/unicode_form.h"

namespace maru::text {
namespace {

// A file's replacements may feed each other: a text that grows beyond this is an attack.
constexpr size_t kMostGrowth = 16, kSlackBytes = 1 << 20;

void require_growth(size_t from, size_t to) {
  if (to > kMostGrowth * from + kSlackBytes)
    throw Failure(ErrorCode::kExhausted, "normalisation makes " + std::to_string(to) + " bytes or more of " +
                                             std::to_string(from) + ", expected at most 16 times as many");
}

using Step = Normalizer::Step;

/// A step that looks at one character at a time: the functor appends what becomes of a code point. What is not UTF-8
/// is copied.
template <class F>
class CharacterStep final : public Step {
 public:
  explicit CharacterStep(F f) : f_(std::move(f)) {}
  std::string_view apply(std::string_view text, std::string& storage, bool& at_start) const override {
    storage.clear();
    const char* const end = text.data() + text.size();
    for (const char* p = text.data(); p < end;) {
      const Decoded d = decode_utf8(p, end);
      if (d.code_point == kInvalidCodePoint)
        storage.append(p, d.length);
      else
        f_(d.code_point, storage);
      if (p == text.data() && storage.empty()) at_start = false;
      p += d.length;
    }
    return storage;
  }

 private:
  F f_;
};

template <class F>
std::shared_ptr<const Step> by_character(F f) {
  return std::make_shared<const CharacterStep<F>>(std::move(f));
}

class FormStep final : public Step {
 public:
  explicit FormStep(normalizers::Form form) : form_(form) {}
  std::string_view apply(std::string_view text, std::string& storage, bool&) const override {
    return form_.apply(text, storage);
  }

 private:
  UnicodeForm form_;
};

class StripStep final : public Step {
 public:
  explicit StripStep(normalizers::Strip spec) : spec_(spec) {}
  std::string_view apply(std::string_view text, std::string&, bool& at_start) const override {
    size_t begin = 0, end = 0;  // of what is left: from the first character that is not white space behind the last
    bool seen = false;
    for (size_t at = 0; at < text.size();) {
      const Decoded d = decode_utf8(text.data() + at, text.data() + text.size());
      if (!is_white_space(d.code_point)) {
        if (!seen) begin = at;
        seen = true;
        end = at + d.length;
      }
      at += d.length;
    }
    if (!spec_.left) begin = 0;
    if (!spec_.right) end = text.size();
    if (!seen && (spec_.left || spec_.right)) return {};
    at_start &= begin == 0;
    return text.substr(begin, end - begin);
  }

 private:
  normalizers::Strip spec_;
};

class PrependStep final : public Step {
 public:
  explicit PrependStep(std::string text) : text_(std::move(text)) {}
  std::string_view apply(std::string_view text, std::string& storage, bool&) const override {
    if (text.empty()) return text;
    storage = text_;
    return storage += text;
  }

 private:
  std::string text_;
};

class ReplaceStep final : public Step {
 public:
  ReplaceStep(Matcher matcher, std::string content) : matcher_(std::move(matcher)), content_(std::move(content)) {}
  std::string_view apply(std::string_view text, std::string& storage, bool& at_start) const override {
    storage.clear();
    matcher_.find(text, [&](Matched m) {
      storage += m.is_match ? std::string_view(content_) : m.text;
      require_growth(text.size(), storage.size());
      // What replaces several characters counts as the last of them.
      const bool first = m.text.data() == text.data() && !m.text.empty();
      if (first && m.is_match && (content_.empty() || count_code_points(m.text) > 1)) at_start = false;
    });
    return storage;
  }

 private:
  Matcher matcher_;
  std::string content_;
};

/// Replaces clusters of fewer than 6 bytes, or else characters, by what the shortest key says that they begin with.
class PrecompiledStep final : public Step {
 public:
  explicit PrecompiledStep(Charsmap map) : map_(std::move(map)) {}
  std::string_view apply(std::string_view text, std::string& storage, bool&) const override {
    storage.clear();
    each_grapheme(text, [&](std::string_view cluster) {
      if (cluster.size() < 6 && replace(cluster, storage)) return;
      const char* const end = cluster.data() + cluster.size();
      for (const char* p = cluster.data(); p < end;) {
        const std::string_view character(p, decode_utf8(p, end).length);
        if (!replace(character, storage)) storage += character;
        p += character.size();
      }
    });
    return storage;
  }

 private:
  bool replace(std::string_view text, std::string& to) const {
    const Charsmap::Found found = map_.shortest(text);
    to += found.replacement;
    return found.length > 0;
  }
  Charsmap map_;
};

void append_nmt(char32_t c, std::string& to) {
  const bool removed = (c >= 1 && c <= 8) || c == 0xB || (c >= 0xE && c <= 0x1F) || c == 0x7F || c == 0x8F || c == 0x9F;
  if (removed) return;
  const bool space = c == 9 || c == 0xA || c == 0xC || c == 0xD || c == 0x1680 || (c >= 0x200B && c <= 0x200F) ||
                     c == 0x2028 || c == 0x2029 || c == 0x2581 || c == 0xFEFF || c == 0xFFFD;
  append_utf8(to, space ? U' ' : c);
}

void append_clean(char32_t c, std::string& to) {
  if (c == 0 || c == 0xFFFD || is_bert_control(c)) return;
  append_utf8(to, is_white_space(c) ? U' ' : c);
}

void append_spaced(char32_t c, std::string& to) {
  const bool chinese = is_bert_chinese(c);
  if (chinese) to += ' ';
  append_utf8(to, c);
  if (chinese) to += ' ';
}

using Steps = std::vector<std::shared_ptr<const Step>>;

/// Appends what runs a step of the list.
class Builder {
 public:
  Builder(Steps& steps, const std::string& where) : steps_(steps), where_(where) {}
  void operator()(const normalizers::Unicode& spec) { add<FormStep>(spec.form); }
  void operator()(const normalizers::Lowercase&) {
    steps_.push_back(by_character([](char32_t c, std::string& to) { append_lower(to, c); }));
  }
  void operator()(const normalizers::Strip& spec) { add<StripStep>(spec); }
  void operator()(const normalizers::StripAccents&) {
    steps_.push_back(by_character([](char32_t c, std::string& to) {
      if (!is_mark(c)) append_utf8(to, c);
    }));
  }
  void operator()(const normalizers::Nmt&) { steps_.push_back(by_character(append_nmt)); }
  void operator()(const normalizers::ByteLevel&) {
    steps_.push_back(by_character([alphabet = ByteAlphabet()](char32_t c, std::string& to) {
      std::string bytes;
      append_utf8(bytes, c);
      to += alphabet.to_characters(bytes);
    }));
  }
  void operator()(const normalizers::Prepend& spec) { add<PrependStep>(spec.text); }
  void operator()(const normalizers::Replace& spec) {
    add<ReplaceStep>(Matcher::create(spec.pattern, where_).value(), spec.content);
  }
  void operator()(const normalizers::Bert& spec) {
    if (spec.clean_text) steps_.push_back(by_character(append_clean));
    if (spec.handle_chinese_chars) steps_.push_back(by_character(append_spaced));
    if (spec.strip_accents.value_or(spec.lowercase)) {
      add<FormStep>(normalizers::Form::kNfd);
      steps_.push_back(by_character([](char32_t c, std::string& to) {
        if (!is_nonspacing_mark(c)) append_utf8(to, c);
      }));
    }
    if (spec.lowercase) (*this)(normalizers::Lowercase{});
  }
  void operator()(const normalizers::Precompiled& spec) {
    add<PrecompiledStep>(Charsmap::parse(spec.charsmap, where_ + ".precompiled_charsmap").value());
  }
  void operator()(const normalizers::SentencePiece& spec) {
    steps_.push_back(make_sentencepiece_step(spec, where_).value());
  }

 private:
  template <class S, class... A>
  void add(A&&... arguments) {
    steps_.push_back(std::make_shared<const S>(std::forward<A>(arguments)...));
  }
  Steps& steps_;
  const std::string& where_;
};

}  // namespace

Result<Normalizer> Normalizer::create(const std::vector<NormalizerStep>& steps, const std::string& where) {
  Normalizer made;
  try {
    Builder builder(made.steps_, where);
    for (const NormalizerStep& step : steps) std::visit(builder, step);
  } catch (const Failure& failure) {
    return failure.error();
  }
  return made;
}

std::string_view Normalizer::apply(std::string_view text, NormalizerScratch& scratch, bool& at_start) const {
  const size_t given = text.size();
  for (const auto& step : steps_) {
    text = step->apply(text, scratch.back, at_start);
    require_growth(given, text.size());
    const bool stored = text.data() >= scratch.back.data() && text.data() <= scratch.back.data() + scratch.back.size();
    if (stored) {
      const size_t begin = static_cast<size_t>(text.data() - scratch.back.data()), size = text.size();
      std::swap(scratch.front, scratch.back);
      text = std::string_view(scratch.front).substr(begin, size);
    }
  }
  return text;
}

std::string Normalizer::operator()(std::string_view text) const {
  NormalizerScratch scratch;
  bool at_start = true;
  return std::string(apply(text, scratch, at_start));
}

}  // namespace maru::text
