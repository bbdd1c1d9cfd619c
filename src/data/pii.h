// Redaction of personal data by hand-written scanners: each looks at most a fixed number of characters ahead of and
// behind a position, so time is linear whatever the text. Pure functions, thread-safe.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/fields.h"

namespace maru::data {

struct PiiConfig {
  bool enabled = true;
  bool resident_numbers = true, phones = true, emails = true, cards = true;
  bool ipv4 = false, us_ssn = false;
  int64_t born_until = 20261231;
  static constexpr auto fields() {
    return std::tuple{
        field("enabled", &PiiConfig::enabled, "false: leave everything as it is"),
        field("resident_numbers", &PiiConfig::resident_numbers, "Korean resident and foreigner registration numbers"),
        field("phones", &PiiConfig::phones, "Korean mobile and landline numbers, with or without +82"),
        field("emails", &PiiConfig::emails, "e-mail addresses, except those of example.com and its kin"),
        field("cards", &PiiConfig::cards, "payment cards: network prefix, length and Luhn digit"),
        field("ipv4", &PiiConfig::ipv4, "public IPv4 addresses"),
        field("us_ssn", &PiiConfig::us_ssn, "US social security numbers (AAA-GG-SSSS)"),
        field("born_until", &PiiConfig::born_until,
              "YYYYMMDD: no resident number has a later birth date; a dataset must not depend on the day it is built")
            .range(19000101, 20991231)};
  }
};

enum class PiiKind : uint8_t { kResidentNumber, kForeignerNumber, kPhone, kEmail, kCard, kIpv4, kUsSsn };
inline constexpr size_t kPiiKinds = 7;
/// The name in reports ("resident_number") and what stands in the text instead ("[주민등록번호]" would favour one
/// language, so it is "[RESIDENT_NUMBER]").
std::string_view name_of(PiiKind kind);
std::string_view placeholder_of(PiiKind kind);

using PiiCounts = std::array<int64_t, kPiiKinds>;

/// Replaces what is found by its placeholder and counts it. `work`, if given, grows by the characters looked at.
///
/// Dashes of any kind, no-break and wide spaces and full-width forms count as the ASCII they stand for; characters
/// without width are passed over. Not found: addresses with "@" spelled out, numbers with a space after each digit.
///
/// Resident registration numbers are YYMMDD-SNNNNNN. The seventh digit says century, sex and nationality (5 to 8:
/// foreigners). The date must exist and not lie behind `born_until`. Numbers given since October 2020 are random behind
/// that digit and have no valid check digit, also for people born earlier whose number was changed; so with a hyphen
/// the date decides. With a space, a full stop or a slash, or 13 digits in a row, it takes more: a valid check digit, a
/// birth date since October 2020, or a word such as "주민" or "등록번호" in front; and an article number (880…) is
/// none.
///
/// Source   주민등록법 시행규칙 제2조 (as amended 2020-05-26); ISO/IEC 7812-1 annex B (Luhn); GS1 General
/// Specifications
///          (GTIN-13, prefix 880); RFC 5322 (a subset of addresses), RFC 2606 (reserved names), RFC 6531 (addresses of
///          other scripts); Korean numbering plan (mobile 01X, areas 02–06X, 070, 050X, 080, carriers 001–008, 007XX).
/// Cost     linear: each position looks at 48 characters at most, an '@' at 64 behind and 254 bytes ahead.
std::string redact_pii(std::string_view text, const PiiConfig& config, PiiCounts& counts, int64_t* work = nullptr);

/// Exposed for tests. `digits`: 13 ASCII digits; `latest`: YYYYMMDD.
bool has_plausible_birth_date(std::string_view digits, int64_t latest);
bool has_resident_check_digit(std::string_view digits);
bool has_luhn_check_digit(std::string_view digits);

}  // namespace maru::data
