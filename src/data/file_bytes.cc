#include "file_bytes.h"

#include "gzip.h"
#include "mapped_file.h"

namespace sidenet {

FileBytes read_file_bytes(const std::string& path) {
  auto file = MappedFile::open(path);
  if (is_gzip(file->bytes()))
    return gunzip(file->bytes(), path, max_inflated(file->bytes().size()), file.get());
  const auto bytes = file->bytes();
  return {path, bytes, std::move(file)};
}

void PassedPages::release(std::size_t position) {
  if (file_.storage != nullptr && position > released_)
    file_.storage->release(file_.bytes.data() + released_, position - released_);
  released_ = position;
}

std::size_t find_in(const FileBytes& file, std::string_view wanted) {
  constexpr std::size_t kPiece = std::size_t{4} << 20;
  const std::string_view all(reinterpret_cast<const char*>(file.bytes.data()), file.bytes.size());
  PassedPages passed(file);
  for (std::size_t at = 0; at < all.size(); at += kPiece) {
    const std::size_t found = all.substr(at, kPiece + wanted.size() - 1).find(wanted);
    if (found != std::string_view::npos) return at + found;
    passed.at(at);
  }
  return std::string_view::npos;
}

std::string printable(std::string name) {
  for (char& c : name) {
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) c = '?';
  }
  return name;
}

std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

}  // namespace sidenet
