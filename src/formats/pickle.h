#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <memory_resource>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "read_budget.h"

namespace sidenet::pickle {

struct Text;
struct BigInteger;
struct Sequence;
struct Dict;
struct Global;
struct Instance;
struct PersistentId;

/// What a pickle describes, as data: nothing is imported or called. Containers are shared where the
/// pickle shares them, and may hold themselves: whoever walks them must bound the depth.
using Value = std::variant<std::monostate /* None */, bool, std::int64_t, double, const Text*,
                           const BigInteger*, Sequence*, Dict*, const Global*, Instance*,
                           const PersistentId*>;
using Values = std::pmr::vector<Value>;

/// A str or bytes object.
struct Text {
  std::string_view view;
  bool is_bytes = false;
};

/// An integer beyond 64 bits, as the pickle writes it.
struct BigInteger {
  std::string_view digits;  // two's complement, little-endian; or decimal text
  bool decimal = false;
};

struct Sequence {
  enum class Kind { list, tuple, set };
  Kind kind;
  Values items;
};

struct Dict {
  std::pmr::vector<std::pair<Value, Value>> items;
  /// The value last stored under a str key; null where there is none.
  const Value* find(std::string_view key) const;
};

/// A name that Python would import.
struct Global {
  std::string_view module, name;
  std::string full() const { return std::string(module) + "." + std::string(name); }
  bool is(std::string_view other_module, std::string_view other_name) const {
    return module == other_module && name == other_name;
  }
};

/// What Python would have made by calling `type` with `arguments`.
struct Instance {
  const Global* type = nullptr;
  Value arguments;        // as a rule a tuple
  Value state;            // of BUILD
  Dict* items = nullptr;  // of SETITEM, for subclasses of dict
};

/// An object that the pickle only refers to (PyTorch: a storage).
struct PersistentId {
  Value id;
};

/// The text of a str; empty where it is not one.
std::string_view text_of(const Value& value);
/// The dict, also of an instance of a subclass of dict; null where it is not one.
const Dict* dict_of(const Value& value);
/// The items of a tuple or list; null where it is not one.
const Values* items_of(const Value& value);
/// "str", "dict", "an object of type torch.Size": for messages.
std::string describe(const Value& value);

/// One pickle and all its objects. Texts view the bytes that were read, which must live on.
class Document {
 public:
  const Value& root() const { return root_; }
  /// Offset just behind the STOP opcode.
  std::size_t end() const { return end_; }
  /// In the order of the file.
  const std::pmr::deque<PersistentId>& persistent_ids() const { return persistent_ids_; }

 private:
  friend class Machine;
  explicit Document(std::shared_ptr<ReadBudget> budget) : budget_(std::move(budget)) {}

  std::shared_ptr<ReadBudget> budget_;
  Value root_;
  std::size_t end_ = 0;
  // Deques, since their elements stay where they are; one owner, so that cycles neither leak nor
  // recurse.
  std::pmr::deque<std::pmr::string> decoded_{budget_.get()};
  std::pmr::deque<Text> texts_{budget_.get()};
  std::pmr::deque<BigInteger> big_integers_{budget_.get()};
  std::pmr::deque<Sequence> sequences_{budget_.get()};
  std::pmr::deque<Dict> dicts_{budget_.get()};
  std::pmr::deque<Global> globals_{budget_.get()};
  std::pmr::deque<Instance> instances_{budget_.get()};
  std::pmr::deque<PersistentId> persistent_ids_{budget_.get()};
};

/// Reads the pickle that starts at `offset` (protocols 0 to 5). Throws Error, naming `where` and
/// the byte: malformed or truncated, an opcode that no checkpoint needs (extension codes,
/// out-of-band buffers), more memory than `budget` has left, or a call that pickle_globals.h does
/// not allow.
Document parse(std::span<const std::byte> bytes, std::size_t offset, const std::string& where,
               std::shared_ptr<ReadBudget> budget);
/// As above, with a budget of its own for these bytes.
Document parse(std::span<const std::byte> bytes, std::size_t offset, const std::string& where);

}  // namespace sidenet::pickle
