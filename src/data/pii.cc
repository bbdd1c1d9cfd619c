#include "data/pii.h"

#include "data/pii_scan.h"

namespace maru::data {
namespace {

class Redactor {
 public:
  Redactor(std::string_view text, const PiiConfig& config, PiiCounts& counts)
      : text_(text), config_(config), counts_(counts) {}

  std::string run() {
    for (size_t at = 0; at < text_.size();) {
      const auto match = match_at(at);
      at = match ? replace(*match) : at + 1;
    }
    out_ += text_.substr(copied_);
    return std::move(out_);
  }
  int64_t work() const { return work_; }

 private:
  std::optional<PiiMatch> match_at(size_t at) {
    constexpr char kLeadOfFullWidth = '\xEF';
    char c = text_[at];
    if (c == kLeadOfFullWidth) c = fold_at(text_, at).c;
    if (c == '@') return config_.emails ? match_email(text_, at, copied_, work_) : std::nullopt;
    if (!is_digit(c) && c != '+' && c != '(') return std::nullopt;
    const Start start = start_of_number(text_, at, copied_);
    if (start == Start::kNo) return std::nullopt;
    const NumberText number(text_, at, start);
    work_ += static_cast<int64_t>(number.characters().size());
    return match_number(number, config_);
  }

  size_t replace(const PiiMatch& match) {
    out_ += text_.substr(copied_, match.begin - copied_);
    out_ += placeholder_of(match.kind);
    ++counts_[static_cast<size_t>(match.kind)];
    return copied_ = match.end;
  }

  const std::string_view text_;
  const PiiConfig& config_;
  PiiCounts& counts_;
  std::string out_;
  size_t copied_ = 0;
  int64_t work_ = 0;
};

struct KindNames {
  std::string_view name, placeholder;
};
constexpr std::array<KindNames, kPiiKinds> kKindNames = {{{"resident_number", "[RESIDENT_NUMBER]"},
                                                          {"foreigner_number", "[FOREIGNER_NUMBER]"},
                                                          {"phone", "[PHONE]"},
                                                          {"email", "[EMAIL]"},
                                                          {"card", "[CARD]"},
                                                          {"ipv4", "[IP]"},
                                                          {"us_ssn", "[SSN]"}}};

}  // namespace

std::string_view name_of(PiiKind kind) { return kKindNames[static_cast<size_t>(kind)].name; }
std::string_view placeholder_of(PiiKind kind) { return kKindNames[static_cast<size_t>(kind)].placeholder; }

std::string redact_pii(std::string_view text, const PiiConfig& config, PiiCounts& counts, int64_t* work) {
  if (!config.enabled) return std::string(text);
  Redactor redactor(text, config, counts);
  std::string out = redactor.run();
  if (work != nullptr) *work += redactor.work();
  return out;
}

}  // namespace maru::data
