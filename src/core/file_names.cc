#include "file_names.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <utility>

namespace sidenet {
namespace {

constexpr int kMostLinks = 40;  // as Linux itself follows

/// Bytes that a name in `folder` may have, where `before` bytes of the path stand before it.
std::size_t longest_name(const std::string& folder, std::size_t before) {
  const long limit = ::pathconf(folder.c_str(), _PC_NAME_MAX);
  const std::size_t of_name = limit > 0 ? static_cast<std::size_t>(limit) : NAME_MAX;
  return std::min<std::size_t>(of_name, PATH_MAX - 1 - std::min<std::size_t>(before, PATH_MAX - 1));
}

bool is_inside_character(const std::string& text, std::size_t at) {
  return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80;
}

}  // namespace

std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::optional<std::string> link_of(const std::string& path) {
  std::array<char, PATH_MAX> text;
  const ssize_t length = ::readlink(path.c_str(), text.data(), text.size());
  if (length < 0 || static_cast<std::size_t>(length) >= text.size()) return std::nullopt;
  const std::string next(text.data(), static_cast<std::size_t>(length));
  return next.starts_with('/') ? next : folder_of(path) + "/" + next;
}

std::string behind_links(std::string path) {
  for (int links = 0; links < kMostLinks; ++links) {
    auto next = link_of(path);
    if (!next) break;
    path = std::move(*next);
  }
  return path;
}

std::string name_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

std::optional<FileIdentity> identity_of(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0) return FileIdentity{status.st_dev, status.st_ino, ""};
  const std::string target = behind_links(path);
  if (::stat(folder_of(target).c_str(), &status) != 0) return std::nullopt;
  return FileIdentity{status.st_dev, status.st_ino, name_of(target)};
}

std::string path_beside(const std::string& path, std::string_view ending) {
  const std::size_t before = path.rfind('/') + 1;  // 0 where there is no slash
  const std::string name = name_of(path);
  const std::size_t longest = longest_name(folder_of(path), before);
  std::size_t kept = std::min(name.size(), longest - std::min(ending.size(), longest));
  while (kept > 0 && is_inside_character(name, kept)) --kept;
  std::string result = name.substr(0, kept).append(ending);
  if (result == name && kept > 0) result = name.substr(0, kept - 1).append(ending);
  return path.substr(0, before) + result;
}

}  // namespace sidenet
