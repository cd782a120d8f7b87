#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "read_budget.h"
#include "storage_bytes.h"
#include "zip_directory.h"

namespace sidenet {

/// A zip file in memory. Stored entries are viewed in place; deflated ones are inflated, once each
/// and charged to `budget`, so that no bomb unpacks. A zip within a zip is bytes as any others.
class ZipArchive {
 public:
  /// Throws Error: see read_zip_directory. Without `budget`, one of its own.
  ZipArchive(std::span<const std::byte> bytes, std::shared_ptr<const Storage> keep_alive,
             std::string where, std::shared_ptr<ReadBudget> budget = nullptr);

  /// Sorted by name; names view the file.
  const std::vector<ZipRecord>& records() const { return records_; }
  std::vector<std::string> names() const;
  bool contains(std::string_view name) const { return find(name) != nullptr; }
  /// Throws Error, starting with `where`: no such entry, encrypted, compressed by another method, a
  /// local header that disagrees, more memory than is left, a wrong checksum of a deflated entry.
  /// (PyTorch can write stored entries without checksums, so theirs are not compared.)
  StorageBytes read(std::string_view name, const std::string& where);

 private:
  const ZipRecord* find(std::string_view name) const;
  StorageBytes inflate(const std::string& where, const ZipRecord& record,
                       std::span<const std::byte> deflated);

  std::span<const std::byte> bytes_;
  std::shared_ptr<const Storage> keep_alive_;
  std::shared_ptr<ReadBudget> budget_;
  std::vector<ZipRecord> records_;
  std::map<const ZipRecord*, StorageBytes> inflated_;
};

}  // namespace sidenet
