#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "byte_reader.h"
#include "pickle.h"
#include "pickle_globals.h"

namespace sidenet::pickle {

/// Pickle's stack machine (Python's Lib/pickletools.py describes the opcodes), which builds a
/// Document and calls nothing. No step recurses, and all that it holds is charged to the file's
/// budget.
class Machine {
 public:
  Machine(std::span<const std::byte> bytes, std::size_t offset, const std::string& where,
          std::shared_ptr<ReadBudget> budget);
  Document run();

 private:
  void execute_until_stop();
  // Each executes the opcode if it is of its group, and tells whether it was.
  bool scalar_opcode(std::uint8_t opcode);
  bool text_opcode(std::uint8_t opcode);
  bool container_opcode(std::uint8_t opcode);
  bool object_opcode(std::uint8_t opcode);
  bool stack_opcode(std::uint8_t opcode);

  void push(Value value);
  Value pop();
  Value& top();
  std::span<const Value> marked() const;
  Value& below_mark();
  void drop_marked();
  void memoize(std::uint64_t index);
  void recall(std::uint64_t index);
  std::uint64_t decimal_index();

  void push_text(std::string_view view, bool is_bytes);
  void push_decoded(std::string_view line, bool (*decode)(std::string_view, std::pmr::string&));
  void push_integer_bytes(std::uint64_t count);
  void push_integer_line(bool with_suffix);
  Sequence* new_sequence(Sequence::Kind kind, std::span<const Value> items);
  void push_marked(Sequence::Kind kind);
  void push_tuple(std::size_t count);
  void push_global(std::string_view module, std::string_view name);
  Dict* new_dict();
  void extend(const Value& target, Sequence::Kind kind, std::span<const Value> items);
  void set_items(const Value& target, std::span<const Value> items);
  void call(const Value& callee, const Value& arguments, Call kind);
  Value make_dict(const Value& arguments);
  Value make_set(const Value& arguments);
  void build(const Value& state);
  const Global* callee_of(const Value& value) const;
  void require_inert(const Global& callee, Call kind) const;
  [[noreturn]] void fail(const std::string& what) const { reader_.fail_at(opcode_offset_, what); }

  ByteReader reader_;
  ReadBudget* memory_;  // held by the document
  Document document_;
  Values stack_{memory_};
  std::pmr::vector<std::size_t> marks_{memory_};  // stack heights
  std::pmr::vector<std::optional<Value>> memo_{memory_};
  std::uint64_t memo_count_ = 0;
  std::size_t opcode_offset_ = 0;
};

}  // namespace sidenet::pickle
