// Names of character encodings, and what a page says about its own. Pure functions, thread-safe.
#pragma once
#include <string_view>

namespace maru::data {

/// The encoding that a label means ("ks_c_5601-1987" → "euc-kr", "latin1" → "windows-1252"), by its name in lower case;
/// "" for an unknown label. Blanks around the label and its case do not count. "replacement" stands for encodings that
/// are not to be decoded.
///
/// Source   WHATWG Encoding, §4.2 "Names and labels"; and Windows' numbers of its code pages (cp949, cp932, …).
std::string_view charset_of_label(std::string_view label);

/// The encoding that an HTML or XML document declares, by its name in lower case, or "".
///
/// The first 1,024 bytes are read as browsers read them before they parse; behind these, the first <meta> that stands
/// neither in a comment nor inside a script, style or other raw text; then an XML declaration.
///
/// Cost     linear.
/// Source   WHATWG HTML, §13.2.3.2 "Determining the character encoding"; XML 1.0, §4.3.3.
std::string_view declared_charset(std::string_view bytes);

}  // namespace maru::data
