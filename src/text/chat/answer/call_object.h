// A call as a JSON object, as it comes: {"name": …, "arguments": {…}}, and the other shapes that models give it:
// "parameters" for "arguments", the arguments as JSON text or before the name, all of it inside of "function".
#pragma once
#include <string>

#include "text/chat/answer/call_reader.h"
#include "text/chat/answer/json_scanner.h"

namespace maru::text {

/// Arguments are handed out as they come where the name stands before them, else at the object's end. A call without
/// any has {}.
class CallObject : public CallReader {
 public:
  /// `plain`: it stands where any JSON may, so that a key no call has makes it none.
  explicit CallObject(CallSink& sink, bool plain = false) : sink_(sink), plain_(plain) {}
  Step feed(char c) override;
  void cut() override;

 private:
  enum class State : uint8_t { kOpen, kKey, kInKey, kColon, kValue, kInValue, kBehind };
  enum class Value : uint8_t { kOther, kName, kArguments, kStreamed };
  Step begin_key(char c);
  Step in_key(char c);
  Step begin_value(char c);
  Step in_value(char c);
  Step behind(char c);
  Step end_value();
  Step close();
  Step give(const std::string& arguments);

  CallSink& sink_;
  const bool plain_;
  State state_ = State::kOpen;
  Value value_ = Value::kOther;
  JsonScanner scanner_;
  std::string raw_;  // of the key or value that is read
  std::string key_, name_, arguments_;
  int depth_ = 1;  // 2: inside of "function"
  bool given_ = false;
};

}  // namespace maru::text
