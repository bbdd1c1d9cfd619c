// Unicode normalisation of a text before it is split. NFC only touches what is UTF-8; other bytes pass as they are.
#pragma once
#include <string>
#include <string_view>

namespace maru::text {

/// `text` in NFC; `storage` holds the result where it differs, otherwise `text` itself is returned.
std::string_view to_nfc(std::string_view text, std::string& storage);

}  // namespace maru::text
