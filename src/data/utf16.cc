#include "utf16.h"

#include <string>

#include "sidenet/error.h"
#include "text_encoding.h"

namespace sidenet {
namespace {

class OwnText : public Storage {
 public:
  std::string text;
};

class Reader {
 public:
  explicit Reader(const FileBytes& file)
      : file_(file), big_endian_(file.bytes[0] == std::byte{0xfe}) {}

  /// Behind the mark.
  void append_to(std::string& text) const {
    PassedPages passed(file_);
    std::int64_t line = 1;
    for (std::size_t at = 2; at < file_.bytes.size(); at += 2) {
      passed.at(at);
      unsigned code = unit(at);
      if (code == '\n') ++line;
      if (code >= 0xd800 && code < 0xe000) {
        const unsigned next = at + 2 < file_.bytes.size() ? unit(at + 2) : 0;
        if (code >= 0xdc00 || next < 0xdc00 || next >= 0xe000) {
          throw Error(printable(file_.name) + ":" + std::to_string(line) +
                      ": invalid UTF-16: half a surrogate pair at byte " + std::to_string(at + 1));
        }
        code = 0x10000 + ((code - 0xd800) << 10 | (next - 0xdc00));
        at += 2;
      }
      append_utf8(code, text);
    }
  }

 private:
  unsigned unit(std::size_t at) const {
    const auto first = std::to_integer<unsigned>(file_.bytes[at]),
               second = std::to_integer<unsigned>(file_.bytes[at + 1]);
    return big_endian_ ? first << 8 | second : second << 8 | first;
  }

  const FileBytes& file_;
  bool big_endian_;
};

void check_memory(const FileBytes& file) {
  constexpr std::uint64_t kFree = std::uint64_t{60} << 20;
  // Two bytes of UTF-16 make three of UTF-8 at most.
  const std::uint64_t needed = file.bytes.size() + file.bytes.size() / 2 * 3;
  if (file.packed_bytes == 0 || needed <= 3 * file.packed_bytes + kFree) return;
  throw Error(printable(file.name) +
              ": packed UTF-16 of this size takes too much memory: unpack it with gunzip");
}

}  // namespace

bool has_utf16_mark(const FileBytes& file) {
  const std::string_view bytes(reinterpret_cast<const char*>(file.bytes.data()), file.bytes.size());
  if (bytes.starts_with("\xfe\xff")) return true;
  return bytes.starts_with("\xff\xfe") && bytes.substr(2, 2) != std::string_view("\0\0", 2);
}

FileBytes utf8_of_utf16(const FileBytes& file) {
  if (file.bytes.size() % 2 != 0) {
    throw Error(printable(file.name) + ": UTF-16: expected an even number of bytes, got " +
                std::to_string(file.bytes.size()) + ": is it cut short?");
  }
  check_memory(file);
  auto own = std::make_shared<OwnText>();
  own->text.reserve(file.bytes.size() / 2 * 3);  // what is not written takes no memory
  Reader(file).append_to(own->text);
  const std::span<const char> text(own->text);
  const std::uint64_t packed = file.packed_bytes > 0 ? file.packed_bytes : file.bytes.size();
  return {file.name, std::as_bytes(text), own, packed};
}

}  // namespace sidenet
