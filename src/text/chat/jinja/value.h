// A value of a template: Python's None, bool, int, float, str, list, tuple, dict, and what Jinja adds. Values share
// their contents by reference and, but for the objects at the end, never change; so copies are cheap.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/chat/jinja/marked_text.h"
#include "text/chat/jinja/memory.h"

namespace maru::text::jinja {

class Runtime;
class TextBuilder;
class Value;
struct Call;
using Values = std::vector<Value>;

enum class Kind : uint8_t { kUndefined, kNone, kBool, kInt, kFloat, kString, kSequence, kDict, kIterator, kObject };

/// What Python would call the sequence. They differ in how they print and in what they allow.
enum class SequenceKind : uint8_t { kList, kTuple, kGroup, kRange, kKeys, kValues, kItems };

class Value {
 public:
  Value() = default;  // undefined, without a name
  static Value none() { return Value(Kind::kNone); }
  static Value boolean(bool b);
  static Value integer(int64_t i);
  static Value real(double d);
  Value(Kind kind, std::shared_ptr<Heap> heap) : kind_(kind), heap_(std::move(heap)) {}
  Value(const Value&) = default;
  Value(Value&&) noexcept = default;
  Value& operator=(const Value&) = default;
  Value& operator=(Value&&) noexcept = default;

  Kind kind() const { return kind_; }
  bool is(Kind kind) const { return kind_ == kind; }
  bool is_undefined() const { return is(Kind::kUndefined); }
  bool is_none() const { return is(Kind::kNone); }
  bool is_string() const { return is(Kind::kString); }
  bool is_sequence() const { return is(Kind::kSequence); }
  bool is_dict() const { return is(Kind::kDict); }
  /// bool, int or float.
  bool is_number() const { return kind_ == Kind::kBool || kind_ == Kind::kInt || kind_ == Kind::kFloat; }
  /// bool or int.
  bool is_integral() const { return kind_ == Kind::kBool || kind_ == Kind::kInt; }
  bool is_list() const;
  bool is_tuple() const;

  bool as_bool() const { return bits_.integer != 0; }        // kBool
  int64_t as_int() const { return bits_.integer; }           // kBool, kInt
  double as_real() const;                                    // any number
  const MarkedText& text() const;                            // kString
  const std::string& bytes() const { return text().bytes; }  // kString
  const Values& items() const;                               // kSequence
  template <class T>
  T& heap_as() const {
    return static_cast<T&>(*heap_);
  }
  /// Null for none, numbers and nameless undefined.
  Heap* heap() const { return heap_.get(); }
  /// Leaves the value unusable; for destructors.
  std::shared_ptr<Heap> take_heap();
  /// Python's `is`: the same object.
  bool same_object(const Value& other) const;

 private:
  explicit Value(Kind kind) : kind_(kind) {}
  Kind kind_ = Kind::kUndefined;
  union {
    int64_t integer = 0;
    double real;
  } bits_;
  std::shared_ptr<Heap> heap_;
};

struct UndefinedData : Heap {
  std::string message;
};

struct StringData : Heap {
  MarkedText text;
};

/// A container hands its contents to Memory when it dies, so that deep ones do not exhaust the stack.
struct SequenceData : Heap {
  ~SequenceData() override;
  SequenceKind sequence_kind = SequenceKind::kList;
  Values items;
  int64_t start = 0, stop = 0, step = 1;  // of a range, as it prints
};

struct DictData : Heap {
  ~DictData() override;
  std::vector<std::pair<Value, Value>> entries;
  const Value* find(Runtime& runtime, const Value& key) const;
  void set(Runtime& runtime, Value key, Value value);

 private:
  std::optional<size_t> locate(Runtime& runtime, const Value& key, uint64_t hash) const;
  void place(Runtime& runtime, size_t entry);
  void index_all(Runtime& runtime, size_t num_slots);
  // For large dicts: open addressing, where each look at a slot is a step, so that keys made to collide gain nothing.
  std::vector<uint32_t> slots_;   // an entry's number plus one, or 0; a power of two, at most half of them in use
  std::vector<uint64_t> hashes_;  // of every entry's key
};

/// A generator: each item comes once. Made eagerly.
struct IteratorData : Heap {
  ~IteratorData() override;
  Values items;
  size_t next = 0;
  std::string_view name = "generator";
};

/// A method of a value, or a function of the environment.
using Function = Value (*)(Call&);

/// namespace, loop, cycler, joiner, macros and functions.
class Object : public Heap {
 public:
  virtual std::string_view type_name() const = 0;
  /// The attribute, or nothing.
  virtual std::optional<Value> attribute(Runtime&, const Value& /*self*/, std::string_view) { return std::nullopt; }
  virtual void print(Runtime& runtime, TextBuilder& to);
  virtual std::optional<int64_t> length(Runtime&) { return std::nullopt; }
  virtual bool is_callable() const { return false; }
  /// Lets go of everything it holds, at the end of the render.
  virtual void clear() {}
  virtual Value call(Call& call);
};

/// Arguments of a call, filter or test.
struct Call {
  Runtime& runtime;
  std::string_view name;
  Value self;  // what a filter, test or method works on
  Values arguments;
  std::vector<std::pair<Value, Value>> keywords;  // names are strings

  /// The parameters by name, from position or keyword; nothing where absent. Throws on too many, unknown or doubled
  /// ones, and when one of the first `required` is absent.
  std::vector<std::optional<Value>> bind(const std::vector<std::string_view>& parameters, size_t required = 0) const;
};

}  // namespace maru::text::jinja
