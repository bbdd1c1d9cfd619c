// Unicode normalisation forms as the reference's tokenizers have them: characters that came after Unicode 9 stay as
// they are, and so do bytes that are not UTF-8. Immutable; share between threads.
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "text/tokenizer_spec.h"

namespace maru::text {

class UnicodeForm {
 public:
  explicit UnicodeForm(normalizers::Form form);
  /// `text` in the form; `storage` holds the result where it differs, otherwise `text` itself is returned.
  ///
  /// Throws   kExhausted above 1 GiB.
  std::string_view apply(std::string_view text, std::string& storage) const;

 private:
  struct Tables;
  normalizers::Form form_;
  std::shared_ptr<const Tables> tables_;
};

}  // namespace maru::text
