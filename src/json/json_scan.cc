#include "json_scan.h"

#include <array>
#include <cstdint>

#include "sidenet/error.h"

namespace sidenet {
namespace {

constexpr std::size_t kMaxRun = std::size_t{1} << 20;

// Bytes that stand for themselves inside a string: ASCII without control characters, quote and
// backslash.
constexpr std::array<bool, 256> kPlain = [] {
  std::array<bool, 256> plain{};
  for (std::size_t byte = 0x20; byte < 0x80; ++byte) plain[byte] = byte != '"' && byte != '\\';
  return plain;
}();

class Scanner {
 public:
  Scanner(std::string_view text, const JsonLimits& limits) : text_(text), limits_(limits) {}

  JsonDefect run() {
    if (text_.size() > limits_.bytes) {
      return {"expected JSON of at most " + std::to_string(limits_.bytes) + " bytes, got " +
                  std::to_string(text_.size()),
              limits_.bytes, false};
    }
    std::size_t depth = 0, values = 1, run_start = 0;
    char last = ' ', before = ' ';  // the last byte that is no blank; the one right before this
    for (; at_ < text_.size() && defect_.what.empty(); before = text_[at_], ++at_) {
      const char c = text_[at_];
      if (is_number(c) && !is_number(before)) run_start = at_;
      if (at_ - run_start > kMaxRun)
        bound("a string or a number in every " + std::to_string(kMaxRun) + " bytes, got none");
      switch (c) {
        case '"':
          scan_string();
          run_start = at_;
          break;
        case '[':
        case '{':
          if (++depth > limits_.depth) bound_count(limits_.depth, "levels");
          break;
        case ']':
        case '}':
          if (last != '[' && last != '{')
            ++values;  // the first of those inside, which has no comma before it
          if (depth > 0) --depth;
          break;
        case ',': ++values; break;
        case '\0': malformed(at_, "a NUL"); break;
        default: break;
      }
      if (values > limits_.values) bound_count(limits_.values, "values");
      if (c != ' ' && c != '\n' && c != '\r' && c != '\t') last = c;
      if (at_ == text_.size()) break;
    }
    return defect_;
  }

 private:
  static bool is_number(char c) {
    return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.';
  }
  unsigned byte(std::size_t at) const {
    return at < text_.size() ? static_cast<unsigned char>(text_[at]) : 0;
  }

  void malformed(std::size_t at, const char* what) {
    if (defect_.what.empty()) defect_ = {what, at + 1, true};
  }
  void bound(const std::string& expected) {
    if (defect_.what.empty()) defect_ = {"expected " + expected, at_ + 1, false};
  }
  void bound_count(std::size_t limit, const char* of) {
    bound("JSON of at most " + std::to_string(limit) + " " + of + ", got more");
  }

  // From the opening quote to the closing one.
  void scan_string() {
    const std::size_t begin = ++at_;
    while (defect_.what.empty()) {
      while (at_ < text_.size() && kPlain[static_cast<unsigned char>(text_[at_])]) ++at_;
      if (at_ - begin > limits_.string_bytes) {
        at_ = begin;
        return bound("strings of at most " + std::to_string(limits_.string_bytes) +
                     " bytes, got a longer one");
      }
      if (at_ >= text_.size()) return malformed(text_.size(), "a string that does not end");
      if (text_[at_] == '"') return;
      if (text_[at_] == '\\') {
        scan_escape();
      } else if (byte(at_) < 0x20) {
        malformed(at_, text_[at_] == '\0' ? "a NUL" : "a control character in a string");
      } else {
        scan_utf8();
      }
    }
  }

  void scan_escape() {
    const char kind = static_cast<char>(byte(at_ + 1));
    if (kind != 'u') {
      if (kind == '\0' || std::string_view("\"\\/bfnrt").find(kind) == std::string_view::npos) {
        return malformed(at_ + 1, "an unknown escape");
      }
      at_ += 2;
      return;
    }
    const int first = code_unit(at_);
    if (first < 0) return malformed(at_ + 1, "an unknown escape");
    const bool is_pair = first >= 0xD800 && first < 0xDC00;
    const int second = is_pair ? code_unit(at_ + 6) : 0;
    if ((first >= 0xDC00 && first < 0xE000) || (is_pair && (second < 0xDC00 || second >= 0xE000))) {
      return malformed(at_, "half a surrogate pair");
    }
    at_ += is_pair ? 12 : 6;
  }

  // Of "\u12ab" at `at`; -1 where there is none.
  int code_unit(std::size_t at) const {
    if (byte(at) != '\\' || byte(at + 1) != 'u') return -1;
    int value = 0;
    for (std::size_t i = 2; i < 6; ++i) {
      const unsigned digit = byte(at + i), letter = digit | 0x20;
      const bool decimal = digit >= '0' && digit <= '9';
      if (!decimal && (letter < 'a' || letter > 'f')) return -1;
      value = value * 16 + static_cast<int>(decimal ? digit - '0' : letter - 'a' + 10);
    }
    return value;
  }

  void scan_utf8() {
    const std::size_t length = detail::utf8_length(text_.substr(at_));
    if (length == 0) return malformed(at_, "a string that is not UTF-8");
    at_ += length;
  }

  std::string_view text_;
  const JsonLimits& limits_;
  std::size_t at_ = 0;
  JsonDefect defect_;
};

}  // namespace

JsonDefect scan_json(std::string_view text, const JsonLimits& limits) {
  return Scanner(text, limits).run();
}

}  // namespace sidenet
