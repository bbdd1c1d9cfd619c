// Unicode normalisation forms. They only touch what is UTF-8; other bytes pass as they are.
#pragma once
#include <string>
#include <string_view>

#include "text/tokenizer_spec.h"

namespace maru::text {

/// `text` in the form; `storage` holds the result where it differs, otherwise `text` itself is returned.
///
/// Throws   kExhausted above 1 GiB.
std::string_view to_form(normalizers::Form form, std::string_view text, std::string& storage);
inline std::string_view to_nfc(std::string_view text, std::string& storage) {
  return to_form(normalizers::Form::kNfc, text, storage);
}

}  // namespace maru::text
