// A call as a name and the object of its arguments: NAME[ARGS]{…}, NAME[CALL_ID]ID[ARGS]{…}, NAME{…}.
#pragma once
#include <string>

#include "text/chat/answer/call_reader.h"
#include "text/chat/answer/json_scanner.h"

namespace maru::text {

class NamedCall : public CallReader {
 public:
  explicit NamedCall(CallSink& sink) : sink_(sink) {}
  Step feed(char c) override;
  void cut() override;

 private:
  Step in_head(char c);
  Step in_arguments(char c);

  CallSink& sink_;
  std::string head_;  // what stands before the object
  JsonScanner scanner_;
  bool given_ = false;
};

}  // namespace maru::text
