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

std::string printable(std::string name) {
  for (char& c : name) {
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) c = '?';
  }
  return name;
}

std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

}  // namespace sidenet
