#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "storage_bytes.h"

namespace sidenet {

/// A zip file in memory, read through libzip. Stored entries are viewed in place; deflated ones are inflated, at most
/// 1032 times their compressed size (deflate's own limit), and once each.
class ZipArchive {
 public:
  /// Throws Error: not a zip file, a damaged directory, two entries of one name.
  ZipArchive(std::span<const std::byte> bytes, std::shared_ptr<const Storage> keep_alive, std::string where);
  ~ZipArchive();
  ZipArchive(const ZipArchive&) = delete;
  ZipArchive& operator=(const ZipArchive&) = delete;

  std::vector<std::string> names() const;
  bool contains(const std::string& name) const { return entries_.count(name) != 0; }
  /// Throws Error, starting with `where`: no such entry, encrypted, compressed by another method, outside the file, a wrong
  /// checksum of a deflated entry. (PyTorch can write stored entries without checksums, so theirs are not compared.)
  StorageBytes read(const std::string& name, const std::string& where);

 private:
  struct Handle;
  StorageBytes view_stored(const std::string& where, std::uint64_t index, std::uint64_t size);
  StorageBytes inflate(const std::string& where, std::uint64_t index, std::uint64_t size, std::uint64_t compressed);

  std::span<const std::byte> bytes_;
  std::shared_ptr<const Storage> keep_alive_;
  std::string where_;
  std::unique_ptr<Handle> handle_;
  std::map<std::string, std::uint64_t> entries_;
  std::map<std::string, StorageBytes> inflated_;
  std::uint64_t inflated_total_ = 0;
};

}  // namespace sidenet
