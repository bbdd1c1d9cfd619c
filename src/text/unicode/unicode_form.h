// Unicode normalisation forms as the reference's tokenizers have them: characters that came after Unicode 9 stay as
// they are, and so do bytes that are not UTF-8. Immutable; share between threads.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace maru::text {

enum class NormalizationForm : uint8_t { kNfc, kNfd, kNfkc, kNfkd };

class UnicodeForm {
 public:
  explicit UnicodeForm(NormalizationForm form);
  /// `text` in the form; `storage` holds the result where it differs, otherwise `text` itself is returned.
  ///
  /// Throws   kExhausted above 1 GiB.
  std::string_view apply(std::string_view text, std::string& storage) const;

 private:
  struct Tables;
  NormalizationForm form_;
  std::shared_ptr<const Tables> tables_;
};

}  // namespace maru::text
