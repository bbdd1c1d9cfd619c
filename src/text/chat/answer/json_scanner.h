// A JSON value as it comes, byte by byte: where it ends, and the first byte that cannot be in it.
#pragma once
#include <cstdint>
#include <string>

namespace maru::text {

class JsonScanner {
 public:
  enum class Step : uint8_t {
    kMore,
    kDone,        // this byte was the value's last
    kDoneBefore,  // the value, a number or a word, ended before this byte
    kBad,
  };
  /// Takes a byte and appends to `to` what is now sure. That is the value as it is written, but for control
  /// characters in strings, which models leave there: they come escaped.
  Step feed(char c, std::string& to);
  /// What is held back: a number or a word that may go on, the beginning of an escape.
  const std::string& held() const { return word_; }

 private:
  enum class State : uint8_t { kValue, kFirst, kFirstKey, kKey, kColon, kBehind, kString, kEscape, kHex, kWord };
  Step value(char c, std::string& to);
  Step open(char c, std::string& to);
  Step close(char c, std::string& to);
  Step string(char c, std::string& to);
  Step escape(char c, std::string& to);
  Step word(char c, std::string& to);
  Step ended();
  Step put(char c, State next, std::string& to);

  State state_ = State::kValue;
  bool in_key_ = false;
  std::string open_;  // '{' and '[', the innermost last
  std::string word_;
};

}  // namespace maru::text
