#include "pickle_machine.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <limits>

#include "pickle_opcodes.h"
#include "pickle_text.h"

namespace sidenet::pickle {
namespace {

constexpr int kNewestProtocol = 5;

template <typename T>
T parse_number(std::string_view text, bool& valid) {
  T value{};
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  valid = result.ec == std::errc() && result.ptr == text.data() + text.size();
  return value;
}

bool is_decimal(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace

Machine::Machine(std::span<const std::byte> bytes, std::size_t offset, const std::string& where,
                 std::shared_ptr<ReadBudget> budget)
    : reader_(bytes, where, offset), memory_(budget.get()), document_(std::move(budget)) {}

Document Machine::run() {
  try {
    execute_until_stop();
    return std::move(document_);
  } catch (const OverBudget& error) {
    fail(std::string("the pickle describes more objects than a file of its size may hold: ") +
         error.what());
  }
}

void Machine::execute_until_stop() {
  while (true) {
    opcode_offset_ = reader_.offset();
    const std::uint8_t opcode = reader_.u8();
    if (opcode == kStop) break;
    if (scalar_opcode(opcode) || text_opcode(opcode) || container_opcode(opcode) ||
        object_opcode(opcode) || stack_opcode(opcode)) {
      continue;
    }
    fail("expected a pickle opcode of protocols 0 to 5, got " + std::to_string(opcode));
  }
  document_.root_ = pop();
  if (!stack_.empty() || !marks_.empty())
    fail("the pickle stops with more than one object on its stack");
  document_.end_ = reader_.offset();
}

bool Machine::scalar_opcode(std::uint8_t opcode) {
  switch (opcode) {
    case kNone: push(std::monostate()); return true;
    case kNewTrue: push(true); return true;
    case kNewFalse: push(false); return true;
    case kBinInt:
      push(static_cast<std::int64_t>(
          static_cast<std::int32_t>(reader_.little_endian<std::uint32_t>())));
      return true;
    case kBinInt1: push(static_cast<std::int64_t>(reader_.u8())); return true;
    case kBinInt2:
      push(static_cast<std::int64_t>(reader_.little_endian<std::uint16_t>()));
      return true;
    case kLong1: push_integer_bytes(reader_.u8()); return true;
    case kLong4: push_integer_bytes(reader_.little_endian<std::uint32_t>()); return true;
    case kInt: push_integer_line(false); return true;
    case kLong: push_integer_line(true); return true;
    case kBinFloat: {
      std::uint64_t bits = 0;  // big-endian, alone among the opcodes
      for (const std::byte byte : reader_.take(8))
        bits = bits << 8 | static_cast<std::uint64_t>(byte);
      push(std::bit_cast<double>(bits));
      return true;
    }
    case kFloat: {
      bool valid = false;
      const auto value = parse_number<double>(reader_.take_line(), valid);
      if (!valid) fail("expected a number behind FLOAT");
      push(value);
      return true;
    }
    default: return false;
  }
}

bool Machine::text_opcode(std::uint8_t opcode) {
  switch (opcode) {
    case kShortBinString: push_text(reader_.take_text(reader_.u8()), false); return true;
    case kBinString:
      push_text(reader_.take_text(reader_.little_endian<std::uint32_t>()), false);
      return true;
    case kShortBinUnicode: push_text(reader_.take_text(reader_.u8()), false); return true;
    case kBinUnicode:
      push_text(reader_.take_text(reader_.little_endian<std::uint32_t>()), false);
      return true;
    case kBinUnicode8:
      push_text(reader_.take_text(reader_.little_endian<std::uint64_t>()), false);
      return true;
    case kShortBinBytes: push_text(reader_.take_text(reader_.u8()), true); return true;
    case kBinBytes:
      push_text(reader_.take_text(reader_.little_endian<std::uint32_t>()), true);
      return true;
    case kBinBytes8:
    case kByteArray8:
      push_text(reader_.take_text(reader_.little_endian<std::uint64_t>()), true);
      return true;
    case kString: push_decoded(reader_.take_line(), decode_string_literal); return true;
    case kUnicode: push_decoded(reader_.take_line(), decode_raw_unicode); return true;
    default: return false;
  }
}

bool Machine::stack_opcode(std::uint8_t opcode) {
  switch (opcode) {
    case kProto:
      if (const int protocol = reader_.u8(); protocol > kNewestProtocol) {
        fail("expected pickle protocol 0 to 5, got " + std::to_string(protocol));
      }
      return true;
    case kFrame: {
      // Frames only group reads; that one fits the file is all that matters.
      const auto size = reader_.little_endian<std::uint64_t>();
      if (size > reader_.remaining())
        fail("truncated: a frame of " + std::to_string(size) + " bytes");
      return true;
    }
    case kMark: marks_.push_back(stack_.size()); return true;
    case kPop:
      if (!marks_.empty() && marks_.back() == stack_.size()) {
        marks_.pop_back();
      } else {
        pop();
      }
      return true;
    case kPopMark: drop_marked(); return true;
    case kDup: push(Value(top())); return true;
    case kPut: memoize(decimal_index()); return true;
    case kBinPut: memoize(reader_.u8()); return true;
    case kLongBinPut: memoize(reader_.little_endian<std::uint32_t>()); return true;
    case kMemoize: memoize(memo_count_); return true;
    case kGet: recall(decimal_index()); return true;
    case kBinGet: recall(reader_.u8()); return true;
    case kLongBinGet: recall(reader_.little_endian<std::uint32_t>()); return true;
    default: return false;
  }
}

void Machine::push(Value value) { stack_.push_back(value); }

Value Machine::pop() {
  const Value value = top();
  stack_.pop_back();
  return value;
}

Value& Machine::top() {
  if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) fail("the stack is empty");
  return stack_.back();
}

// What lies above the last mark; only until the stack changes.
std::span<const Value> Machine::marked() const {
  if (marks_.empty()) fail("no mark is set");
  return std::span<const Value>(stack_).subspan(marks_.back());
}

Value& Machine::below_mark() {
  if (marks_.empty()) fail("no mark is set");
  const std::size_t bottom = marks_.size() < 2 ? 0 : marks_[marks_.size() - 2];
  if (marks_.back() <= bottom) fail("the stack is empty");
  return stack_[marks_.back() - 1];
}

void Machine::drop_marked() {
  if (marks_.empty()) fail("no mark is set");
  stack_.resize(marks_.back());
  marks_.pop_back();
}

void Machine::memoize(std::uint64_t index) {
  const Value value = top();
  // Picklers count up from 0, so that no index is beyond the bytes read so far.
  if (index > reader_.offset()) {
    fail("expected a memo slot of at most " + std::to_string(reader_.offset()) + ", got " +
         std::to_string(index));
  }
  if (index >= memo_.size())
    memo_.resize(std::max<std::size_t>(index + 1, std::min(2 * memo_.size(), reader_.offset())));
  memo_count_ += memo_[index] ? 0 : 1;
  memo_[index] = value;
}

void Machine::recall(std::uint64_t index) {
  if (index >= memo_.size() || !memo_[index]) {
    fail("expected a memo slot that was filled, but memo slot " + std::to_string(index) +
         " is empty");
  }
  push(*memo_[index]);
}

std::uint64_t Machine::decimal_index() {
  bool valid = false;
  const auto index = parse_number<std::uint32_t>(reader_.take_line(), valid);
  if (!valid) fail("expected the number of a memo slot");
  return index;
}

void Machine::push_text(std::string_view view, bool is_bytes) {
  push(&document_.texts_.emplace_back(Text{view, is_bytes}));
}

void Machine::push_decoded(std::string_view line,
                           bool (*decode)(std::string_view, std::pmr::string&)) {
  std::pmr::string& decoded = document_.decoded_.emplace_back();
  if (!decode(line, decoded)) fail("expected an escaped string, got " + quote(line));
  push_text(decoded, false);
}

void Machine::push_integer_bytes(std::uint64_t count) {
  const std::string_view digits = reader_.take_text(count);
  if (count > sizeof(std::int64_t)) {
    push(&document_.big_integers_.emplace_back(BigInteger{digits, false}));
    return;
  }
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < digits.size(); ++i)
    value |= std::uint64_t{static_cast<unsigned char>(digits[i])} << 8 * i;
  const bool negative = !digits.empty() && (static_cast<unsigned char>(digits.back()) & 0x80) != 0;
  if (negative && digits.size() < 8) value |= ~std::uint64_t{0} << 8 * digits.size();
  push(static_cast<std::int64_t>(value));
}

void Machine::push_integer_line(bool with_suffix) {
  std::string_view line = reader_.take_line();
  if (!with_suffix && (line == "00" || line == "01")) {
    push(line == "01");
    return;
  }
  if (with_suffix && line.ends_with('L')) line.remove_suffix(1);
  bool valid = false;
  const auto value = parse_number<std::int64_t>(line, valid);
  if (valid) {
    push(value);
  } else if (is_decimal(line)) {
    push(&document_.big_integers_.emplace_back(BigInteger{line, true}));
  } else {
    fail("expected an integer, got " + quote(line));
  }
}

}  // namespace sidenet::pickle
