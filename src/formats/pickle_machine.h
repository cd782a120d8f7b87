#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "byte_reader.h"
#include "pickle.h"
#include "pickle_globals.h"

namespace sidenet::pickle {

/// Pickle's stack machine (Python's Lib/pickletools.py describes the opcodes), which builds a Document and calls nothing.
/// No step recurses, and each charges what it allocates.
class Machine {
 public:
  Machine(std::span<const std::byte> bytes, std::size_t offset, const std::string& where);
  Document run();

 private:
  // Each executes the opcode if it is of its group, and tells whether it was.
  bool scalar_opcode(std::uint8_t opcode);
  bool text_opcode(std::uint8_t opcode);
  bool container_opcode(std::uint8_t opcode);
  bool object_opcode(std::uint8_t opcode);
  bool stack_opcode(std::uint8_t opcode);

  void push(Value value);
  Value pop();
  Value& top();
  std::vector<Value> pop_to_mark();
  void memoize(std::uint64_t index);
  void recall(std::uint64_t index);
  std::uint64_t decimal_index();

  void push_text(std::string_view view, bool is_bytes);
  void push_decoded(std::string_view line, bool (*decode)(std::string_view, std::string&));
  void push_integer_bytes(std::uint64_t count);
  void push_integer_line(bool with_suffix);
  void push_sequence(Sequence::Kind kind, std::vector<Value> items);
  void push_tuple(std::size_t count);
  void push_global(std::string_view module, std::string_view name);
  Dict* new_dict();
  void append(std::vector<Value> items);
  void add_to_set(std::vector<Value> items);
  void set_items(std::vector<Value> items);
  void call(const Value& callee, const Value& arguments, Call kind);
  Value make_dict(const Value& arguments);
  Value make_set(const Value& arguments);
  void build(const Value& state);
  const Global* callee_of(const Value& value) const;
  void require_inert(const Global& callee, Call kind) const;
  void charge(std::uint64_t bytes);
  [[noreturn]] void fail(const std::string& what) const { reader_.fail_at(opcode_offset_, what); }

  ByteReader reader_;
  Document document_;
  std::vector<Value> stack_;
  std::vector<std::size_t> marks_;  // stack heights
  std::unordered_map<std::uint64_t, Value> memo_;
  std::size_t opcode_offset_ = 0;
  std::uint64_t memory_ = 0, memory_limit_;
};

}  // namespace sidenet::pickle
