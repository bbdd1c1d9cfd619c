#include "data/clean.h"

#include <algorithm>

#include "base/path_text.h"
#include "base/utf8.h"
#include "data/charset.h"
#include "data/encoding.h"
#include "data/json_line.h"
#include "data/markdown.h"
#include "data/markup.h"
#include "data/normalise.h"

namespace maru::data {
namespace {

class Cleaner {
 public:
  Cleaner(const RawItem& item, const CleanConfig& config, const IdentifyLanguage& identify)
      : item_(item), config_(config), input_(config.inputs[item.input]), identify_(identify) {}

  CleanResult run() {
    try {
      for (const auto step : {&Cleaner::read, &Cleaner::extract, &Cleaner::normalise_text, &Cleaner::language,
                              &Cleaner::quality, &Cleaner::pii}) {
        const uint64_t bytes_in = &Cleaner::read == step ? 0 : result_.text.size();
        (this->*step)();
        if (result_.error || !result_.reason.empty()) {
          result_.ended_at = static_cast<Step>(result_.bytes.size());
          result_.bytes_into_end = result_.bytes.empty() ? read_bytes_ : bytes_in;
          return std::move(result_);
        }
        result_.bytes.emplace_back(result_.bytes.empty() ? read_bytes_ : bytes_in, result_.text.size());
      }
    } catch (const Failure& e) {  // unreadable or corrupt file
      malformed(e.error());
      result_.ended_at = Step::kRead;
      result_.bytes.clear();
    }
    return std::move(result_);
  }

 private:
  void drop(std::string_view reason) { result_.reason = reason; }
  void change(Step step, std::string_view what, int64_t times) {
    if (times > 0) result_.changes.push_back({step, std::string(what), times});
  }

  void malformed(Error error) {
    if (config_.skip_malformed)
      drop("malformed");
    else
      result_.error = std::move(error);
  }

  void read() {
    if (!item_.skipped.empty()) return drop(item_.skipped);
    return item_.line > 0 ? read_line() : read_whole_file();
  }

  void read_line() {
    read_bytes_ = item_.bytes.size();
    result_.text = item_.bytes;  // the sample, should it be dropped
    Result<DocumentLine> line =
        read_document_line(item_.bytes, path_text(item_.path) + ":" + std::to_string(item_.line), input_.text_field,
                           config_.max_undecodable);
    if (!line) return malformed(line.error());
    if (!line->text) return drop("undecodable");
    change(Step::kRead, "undecodable_bytes", line->replaced);
    result_.text = std::move(*line->text);
    format_ = parse_format(input_.text_format);
  }

  void read_whole_file() {
    read_bytes_ = item_.bytes_hint;
    if (item_.format == SourceFormat::kUnknown)
      return result_.extension = extension_of(item_.path), drop("unknown_format");
    std::string bytes;
    if (!read_bytes(bytes)) return drop("too_large");
    read_bytes_ = bytes.size();
    if (looks_binary(bytes)) return drop("binary");
    const bool markup = item_.format == SourceFormat::kHtml || item_.format == SourceFormat::kXml;
    const bool declares = markup && !is_valid_utf8(bytes);
    const std::string_view declared = declares ? declared_charset(bytes) : "";
    result_.text = bytes.substr(0, 4096);  // the sample, should decoding fail
    Result<DecodedText> decoded = decode_text(std::move(bytes), declared, config_.max_undecodable);
    if (!decoded) return drop("undecodable");
    if (decoded->encoding != "utf-8") change(Step::kRead, "from " + decoded->encoding, 1);
    change(Step::kRead, "undecodable_bytes", decoded->replaced);
    result_.text = std::move(decoded->text);
    format_ = item_.format;
  }

  // False when the file is larger than the recipe allows, also when only its compressed form is small.
  bool read_bytes(std::string& bytes) const {
    const auto source = open_source(item_.path);
    const auto limit = static_cast<size_t>(config_.max_file_bytes);
    constexpr size_t kChunk = 1 << 16;
    for (;;) {
      const size_t old = bytes.size();
      bytes.resize(old + kChunk);
      const size_t n = source->read(bytes.data() + old, kChunk);
      bytes.resize(old + n);
      if (n == 0 || bytes.size() > limit) return n == 0;
    }
  }

  void extract() {
    switch (format_) {
      case SourceFormat::kHtml: return extract_markup(extract_html(result_.text));
      case SourceFormat::kXml: return extract_markup(extract_xml(result_.text));
      case SourceFormat::kMarkdown: result_.text = markdown_to_text(result_.text); break;
      case SourceFormat::kRst: result_.text = rst_to_text(result_.text); break;
      case SourceFormat::kText:
      case SourceFormat::kJsonl:
      case SourceFormat::kUnknown: break;
    }
    if (result_.text.empty()) drop("no_main_text");
  }

  void extract_markup(Result<ExtractedText> extracted) {
    if (!extracted) return drop("unparsable");
    change(Step::kExtract, "attributes_beyond_256", extracted->attributes);
    change(Step::kExtract, "ruby_readings", extracted->readings);
    change(Step::kExtract, "zero_bytes", extracted->zeros);
    if (extracted->text.empty()) return drop("no_main_text");
    result_.text = std::move(extracted->text);
  }

  void normalise_text() {
    NormaliseChanges changes;
    std::string text = normalise(result_.text, &changes);
    change(Step::kNormalise, "composed", changes.composed);
    change(Step::kNormalise, "control_characters", changes.control);
    change(Step::kNormalise, "zero_width_characters", changes.zero_width);
    change(Step::kNormalise, "special_spaces", changes.spaces);
    if (text.empty()) return drop("empty");
    result_.text = std::move(text);
  }

  void language() {
    const text::LanguageGuess guess = identify_(result_.text);
    result_.language = guess.language;
    const std::vector<std::string>& keep = config_.language.keep;
    if (keep.empty()) return;
    if (std::find(keep.begin(), keep.end(), guess.language) == keep.end()) return drop("wrong_language");
    if (guess.probability < config_.language.min_probability) drop("uncertain_language");
  }

  void quality() { drop(quality_reason(result_.text, config_.quality)); }

  void pii() {
    PiiCounts counts{};
    result_.text = redact_pii(result_.text, config_.pii, counts);
    for (size_t i = 0; i < kPiiKinds; ++i) change(Step::kPii, name_of(static_cast<PiiKind>(i)), counts[i]);
  }

  const RawItem& item_;
  const CleanConfig& config_;
  const InputConfig& input_;
  const IdentifyLanguage& identify_;
  CleanResult result_;
  SourceFormat format_ = SourceFormat::kText;
  uint64_t read_bytes_ = 0;
};

}  // namespace

CleanResult clean_item(const RawItem& item, const CleanConfig& config, const IdentifyLanguage& identify) {
  return Cleaner(item, config, identify).run();
}

}  // namespace maru::data
