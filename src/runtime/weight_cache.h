#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "own_folder.h"
#include "secret_digest.h"
#include "weight_store.h"

namespace sidenet {

/// Weights that kernels have reordered, in a folder that processes share: a file for each piece,
/// named by a digest of all that it is made of, so that the right bytes are found or none. Shapes,
/// plans and models that make the same share it. The digest is keyed by a secret of the folder: no
/// model file can be made that finds another's, or leaves its own for it.
///
/// All files together stay within a limit: the least recently used go first, and those that nobody
/// has used for 30 days. What this process uses stays; where it fills the limit, nothing more is
/// kept. No other files are touched.
class WeightCache {
 public:
  /// Throws Error: a limit below 0, and as OwnFolder (what lies there is trusted to be what this
  /// user's processes wrote). Where its secret cannot be written nothing is kept.
  WeightCache(const std::string& folder, std::int64_t limit);

  /// Whether so many are worth it, and names for them can be made.
  bool keeps(std::size_t floats) const;
  /// For names, where it keeps anything.
  SecretDigest digest() const { return SecretDigest(*key_); }
  /// Null: none, or not as it was written. Never written to.
  std::shared_ptr<float> find(const std::string& name, std::size_t floats);
  struct Piece {
    std::string name;
    std::shared_ptr<float> data;
    std::size_t floats;
  };
  /// Where one cannot be written nothing more is kept.
  void save(const std::vector<Piece>& pieces);

 private:
  struct File {
    std::string name;
    std::uint64_t bytes;
    std::int64_t used;  // seconds
  };
  std::vector<File> others() const;
  /// bytes: nothing where it is not there.
  void mark_used(const std::string& file, std::optional<std::uint64_t> bytes);
  bool is_used(const std::string& file) const;

  /// What the folder holds, of which as much is removed as a new file needs.
  class Room;

  OwnFolder folder_;
  std::optional<SecretKey> key_;
  std::uint64_t limit_;
  std::mutex saving_;
  mutable std::mutex mutex_;                   // of what is below
  std::map<std::string, std::uint64_t> used_;  // files, by name: their bytes
};

/// Of one part of a plan, while its kernels are made.
class WeightCachePart : public WeightStore {
 public:
  explicit WeightCachePart(WeightCache& weights) : weights_(weights) {}
  bool keeps(std::size_t floats) const override { return weights_.keeps(floats); }
  SecretDigest digest() const override { return weights_.digest(); }
  std::shared_ptr<float> find(const std::string& name, std::size_t floats) override {
    return weights_.find(name, floats);
  }
  void keep(const std::string& name, std::shared_ptr<float> data, std::size_t floats) override;
  /// When all of them are made.
  void save();

 private:
  WeightCache& weights_;
  std::mutex mutex_;
  std::vector<WeightCache::Piece> made_;
};

}  // namespace sidenet
